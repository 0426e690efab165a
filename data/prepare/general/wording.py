"""Tasks on words and sentences: opposites, plurals, spelling, grammar, polite and short forms."""

OPPOSITES = """
hot: cold; big: small; early: late; open: closed; happy: sad; fast: slow; new: old; strong: weak;
light: dark; full: empty; rich: poor; wet: dry; hard: soft; high: low; clean: dirty; loud: quiet;
sweet: sour; thick: thin; brave: cowardly; always: never; buy: sell; win: lose; begin: end;
arrive: leave; remember: forget; love: hate; push: pull; up: down; inside: outside; before: after;
noisy: quiet; ancient: modern; generous: stingy; polite: rude; deep: shallow; wide: narrow
"""
SYNONYMS = """
happy: glad; big: large; fast: quick; begin: start; smart: clever; angry: mad; quiet: silent;
small: little; rich: wealthy; tired: weary; brave: courageous; help: aid; gift: present;
easy: simple; answer: reply; correct: right; strange: odd; beautiful: pretty; end: finish;
buy: purchase; choose: pick; sick: ill; job: work; street: road
"""
PLURALS = """
child: children; mouse: mice; foot: feet; tooth: teeth; man: men; woman: women; goose: geese;
person: people; knife: knives; leaf: leaves; wolf: wolves; city: cities; baby: babies; box: boxes;
potato: potatoes; sheep: sheep; fish: fish; bus: buses; church: churches; life: lives
"""
PAST = """
go: went; eat: ate; see: saw; take: took; write: wrote; run: ran; come: came; give: gave; buy:
bought; think: thought; bring: brought; teach: taught; sing: sang; swim: swam; drink: drank; break:
broke; speak: spoke; know: knew; fly: flew; sleep: slept; leave: left; make: made; find: found
"""
SPELLING = """
recieve: receive; definately: definitely; seperate: separate; untill: until; wich: which; tommorow:
tomorrow; adress: address; begining: beginning; beleive: believe; calender: calendar; goverment:
government; neccessary: necessary; occured: occurred; publically: publicly; realy: really; wierd:
weird; freind: friend; acommodate: accommodate; embarass: embarrass; existance: existence; foriegn:
foreign; grammer: grammar; harrass: harass; libary: library; maintainance: maintenance; noticable:
noticeable; restaraunt: restaurant; tounge: tongue; writting: writing; biulding: building
"""
RHYMES = """
cat: hat; moon: spoon; day: play; night: light; tree: bee; house: mouse; rain: train; star: car;
blue: shoe; king: ring; cake: lake; ball: wall; sea: key; dog: fog; bed: red; sun: fun; boat: coat
"""
RIGHT = """
He go to school every day.: He goes to school every day.
She don't like apples.: She doesn't like apples.
They was very happy.: They were very happy.
I has two brothers.: I have two brothers.
We going to the beach tomorrow.: We are going to the beach tomorrow.
I seen him yesterday.: I saw him yesterday.
Me and him is friends.: He and I are friends.
There is many books here.: There are many books here.
The childs are playing.: The children are playing.
It don't matter to I.: It doesn't matter to me.
She have a new car.: She has a new car.
You was late again.: You were late again.
He can sings well.: He can sing well.
I am agree with you.: I agree with you.
She is more taller than me.: She is taller than me.
They has finished the work.: They have finished the work.
I didn't went there.: I didn't go there.
He do his homework now.: He is doing his homework now.
This are my keys.: These are my keys.
Her is my sister.: She is my sister.
Yesterday I buy a coat.: Yesterday I bought a coat.
An apple are red.: An apple is red.
Where you live?: Where do you live?
What mean this word?: What does this word mean?
I look forward to see you.: I look forward to seeing you.
The informations are wrong.: The information is wrong.
"""
POLITE = """
Give me the report.: Could you please give me the report?
Close the door.: Could you please close the door?
Call me back.: Could you please call me back?
You are late.: I noticed you arrived a little late.
Send the money now.: Could you please send the money soon?
Move your car.: Would you mind moving your car, please?
Be quiet.: Could you please be a little quieter?
I want a refund.: I would like a refund, please.
Answer my mail.: Could you please answer my e-mail when you have time?
Turn the music down.: Could you please turn the music down?
Tell me the price.: Could you please tell me the price?
Wait here.: Would you please wait here?
Get me a coffee.: Could you please get me a coffee?
Don't touch that.: Please don't touch that.
"""
SHORTER = """
Due to the fact that it was raining, we stayed at home.: It rained, so we stayed at home.
At this point in time we have no plans.: We have no plans now.
She is a person who really likes to read books a lot.: She loves to read.
In the event that it snows, the school will be closed.: If it snows, the school closes.
He made the decision to go home early.: He decided to go home early.
The reason we are late is because of traffic.: We are late because of traffic.
I would like to take this opportunity to thank you.: Thank you.
There are many people who like tea.: Many people like tea.
It is possible that we will come tomorrow.: We may come tomorrow.
The meeting has been moved to a later point in time.: The meeting has been postponed.
"""
SAID = """
Hello!; Hi!; Good morning!; Good evening!; hey: Hello! How can I help you?
How are you?; How are you doing today?; how is it going: I'm fine, thank you. How can I help?
Thank you!; Thanks a lot; thx; Thank you so much!: You're welcome!
Goodbye!; Bye; See you tomorrow: Goodbye!
Good night!: Good night!
I am bored.: You could read, take a walk, or show me a picture.
I have a headache.: I'm sorry to hear that. Rest and water may help; ask a doctor if it stays.
It is my birthday today!: Happy birthday!
I passed my exam!: Congratulations!
I feel sad today.: I'm sorry to hear that. Do you want to talk about it?
I am tired.: Perhaps a short break would help.
I lost my keys.: That is annoying. Where did you last have them?
I have a new bicycle.: Great! Enjoy your new bicycle.
My cat is ill.: I'm sorry to hear that. I hope your cat gets well soon; a vet can help.
We are going on holiday tomorrow.: How nice! Have a good trip.
I like music.: Music is a fine thing. What do you listen to?
Can you help me?; I need help.: Yes, what do you need?
Tell me a joke.: Why did the bicycle fall over? It was two-tired.
ok; okay; I see: All right. What else would you like to know?
You are funny.: Thank you!
Sorry!: No problem.
"""
LISTS = """
Name three colors.: Red, blue and green.
Name three fruits.: Apples, bananas and oranges.
Name three vegetables.: Carrots, potatoes and spinach.
Name three planets.: Mars, Venus and Jupiter.
Name three animals.: A dog, a horse and a lion.
Name three musical instruments.: The piano, the violin and the flute.
Name three oceans.: The Pacific, the Atlantic and the Indian Ocean.
Name three sports.: Soccer, tennis and swimming.
Name three metals.: Iron, copper and gold.
Name three countries in Europe.: France, Italy and Spain.
Name three countries in Africa.: Egypt, Kenya and Ghana.
Name three rivers.: The Nile, the Danube and the Amazon.
Name three trees.: The oak, the pine and the birch.
Name three days of the week.: Monday, Tuesday and Wednesday.
Name the four seasons.: Spring, summer, autumn and winter.
Name three painters.: Rembrandt, Monet and Picasso.
Name three composers.: Bach, Mozart and Beethoven.
List the days of the week.: Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday.
List the vowels.: A, e, i, o and u.
Name the eight planets.: Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus and Neptune.
"""
