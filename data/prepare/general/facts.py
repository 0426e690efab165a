"""Facts of general knowledge: "what: answer" lines, and how people ask for them."""

# Country: capital; language; continent.
COUNTRIES = tuple(
    tuple(part.strip() for part in line.split(":"))
    for line in """
France: Paris: French: Europe
Germany: Berlin: German: Europe
Italy: Rome: Italian: Europe
Spain: Madrid: Spanish: Europe
Portugal: Lisbon: Portuguese: Europe
Austria: Vienna: German: Europe
Belgium: Brussels: Dutch, French and German: Europe
Netherlands: Amsterdam: Dutch: Europe
Denmark: Copenhagen: Danish: Europe
Norway: Oslo: Norwegian: Europe
Sweden: Stockholm: Swedish: Europe
Finland: Helsinki: Finnish and Swedish: Europe
Iceland: Reykjavik: Icelandic: Europe
Ireland: Dublin: English and Irish: Europe
United Kingdom: London: English: Europe
Poland: Warsaw: Polish: Europe
Czech Republic: Prague: Czech: Europe
Slovakia: Bratislava: Slovak: Europe
Hungary: Budapest: Hungarian: Europe
Romania: Bucharest: Romanian: Europe
Bulgaria: Sofia: Bulgarian: Europe
Greece: Athens: Greek: Europe
Croatia: Zagreb: Croatian: Europe
Serbia: Belgrade: Serbian: Europe
Slovenia: Ljubljana: Slovene: Europe
Ukraine: Kyiv: Ukrainian: Europe
Estonia: Tallinn: Estonian: Europe
Latvia: Riga: Latvian: Europe
Lithuania: Vilnius: Lithuanian: Europe
Switzerland: Bern: German, French, Italian and Romansh: Europe
Russia: Moscow: Russian: Europe and Asia
Turkey: Ankara: Turkish: Asia and Europe
Albania: Tirana: Albanian: Europe
Malta: Valletta: Maltese and English: Europe
Luxembourg: Luxembourg: Luxembourgish, French and German: Europe
Japan: Tokyo: Japanese: Asia
China: Beijing: Chinese: Asia
India: New Delhi: Hindi and English: Asia
Pakistan: Islamabad: Urdu and English: Asia
Bangladesh: Dhaka: Bengali: Asia
Nepal: Kathmandu: Nepali: Asia
Thailand: Bangkok: Thai: Asia
Vietnam: Hanoi: Vietnamese: Asia
South Korea: Seoul: Korean: Asia
North Korea: Pyongyang: Korean: Asia
Indonesia: Jakarta: Indonesian: Asia
Malaysia: Kuala Lumpur: Malay: Asia
Philippines: Manila: Filipino and English: Asia
Mongolia: Ulaanbaatar: Mongolian: Asia
Iran: Tehran: Persian: Asia
Iraq: Baghdad: Arabic and Kurdish: Asia
Saudi Arabia: Riyadh: Arabic: Asia
Jordan: Amman: Arabic: Asia
Lebanon: Beirut: Arabic: Asia
Cambodia: Phnom Penh: Khmer: Asia
Kazakhstan: Astana: Kazakh and Russian: Asia
Egypt: Cairo: Arabic: Africa
Morocco: Rabat: Arabic and Berber: Africa
Algeria: Algiers: Arabic and Berber: Africa
Tunisia: Tunis: Arabic: Africa
Kenya: Nairobi: Swahili and English: Africa
Nigeria: Abuja: English: Africa
Ghana: Accra: English: Africa
Ethiopia: Addis Ababa: Amharic: Africa
Senegal: Dakar: French: Africa
Uganda: Kampala: English and Swahili: Africa
Zambia: Lusaka: English: Africa
Zimbabwe: Harare: English, Shona and Ndebele: Africa
Mali: Bamako: Bambara: Africa
Angola: Luanda: Portuguese: Africa
Namibia: Windhoek: English: Africa
Madagascar: Antananarivo: Malagasy and French: Africa
United States: Washington, D.C.: English: North America
Canada: Ottawa: English and French: North America
Mexico: Mexico City: Spanish: North America
Cuba: Havana: Spanish: North America
Jamaica: Kingston: English: North America
Guatemala: Guatemala City: Spanish: North America
Costa Rica: San Jos\u00e9: Spanish: North America
Panama: Panama City: Spanish: North America
Brazil: Bras\u00edlia: Portuguese: South America
Argentina: Buenos Aires: Spanish: South America
Chile: Santiago: Spanish: South America
Peru: Lima: Spanish: South America
Colombia: Bogot\u00e1: Spanish: South America
Venezuela: Caracas: Spanish: South America
Ecuador: Quito: Spanish: South America
Uruguay: Montevideo: Spanish: South America
Paraguay: Asunci\u00f3n: Spanish and Guaran\u00ed: South America
Australia: Canberra: English: Oceania
New Zealand: Wellington: English and M\u0101ori: Oceania
Fiji: Suva: English and Fijian: Oceania
""".strip().splitlines()
)
WITH_THE = ("Netherlands", "United Kingdom", "United States", "Philippines", "Czech Republic")
CAPITAL_QUESTIONS = (
    "What is the capital of {}?",
    "what's the capital of {}",
    "Capital of {}?",
    "Which city is the capital of {}?",
    "Tell me the capital of {}.",
    "Do you know the capital of {}?",
)
CAPITAL_ANSWERS = ("{c}.", "The capital of {x} is {c}.", "{c} is the capital of {x}.")
FOREIGN_CAPITALS = {  # question, answer, then country: capital
    "German": (
        ("Was ist die Hauptstadt von {}?", "Wie hei\u00dft die Hauptstadt von {}?"),
        "Die Hauptstadt von {x} ist {c}.",
        "Italien: Rom; Spanien: Madrid; Polen: Warschau; Portugal: Lissabon; Japan: Tokio;"
        " Norwegen: Oslo; Griechenland: Athen; \u00c4gypten: Kairo; Schweden: Stockholm;"
        " \u00d6sterreich: Wien; Ungarn: Budapest; D\u00e4nemark: Kopenhagen; Frankreich: Paris",
    ),
    "Spanish": (
        ("\u00bfCu\u00e1l es la capital de {}?", "\u00bfC\u00f3mo se llama la capital de {}?"),
        "La capital de {x} es {c}.",
        "Italia: Roma; Alemania: Berl\u00edn; Portugal: Lisboa; Jap\u00f3n: Tokio; Per\u00fa: Lima;"
        " Chile: Santiago; Cuba: La Habana; Grecia: Atenas; Egipto: El Cairo; Polonia: Varsovia;"
        " Noruega: Oslo; Austria: Viena; Irlanda: Dubl\u00edn; Francia: Par\u00eds",
    ),
    "French": (
        ("Quelle est la capitale de {}?", "Comment s'appelle la capitale de {}?"),
        "La capitale de {x} est {c}.",
        "l'Italie: Rome; l'Espagne: Madrid; l'Allemagne: Berlin; la Pologne: Varsovie;"
        " la Gr\u00e8ce: Ath\u00e8nes; la Norv\u00e8ge: Oslo; l'Autriche: Vienne; la Hongrie:"
        " Budapest; la Belgique: Bruxelles; la Su\u00e8de: Stockholm; l'\u00c9gypte: Le Caire",
    ),
    "Italian": (
        ("Qual \u00e8 la capitale di {}?",),
        "La capitale di {x} \u00e8 {c}.",
        "Malta: La Valletta; Cuba: L'Avana; Cipro: Nicosia",
    ),
    "Portuguese": (
        ("Qual \u00e9 a capital de {}?",),
        "A capital de {x} \u00e9 {c}.",
        "Portugal: Lisboa; Cuba: Havana; Angola: Luanda; Mo\u00e7ambique: Maputo",
    ),
}
AUTHORS = """
Hamlet: William Shakespeare; Macbeth: William Shakespeare; Othello: William Shakespeare;
A Midsummer Night's Dream: William Shakespeare; King Lear: William Shakespeare;
Pride and Prejudice: Jane Austen; Emma: Jane Austen; Oliver Twist: Charles Dickens;
A Christmas Carol: Charles Dickens; Faust: Johann Wolfgang von Goethe; War and Peace: Leo Tolstoy;
Anna Karenina: Leo Tolstoy; Crime and Punishment: Fyodor Dostoevsky; Don Quixote: Miguel de
Cervantes; Moby-Dick: Herman Melville; The Odyssey: Homer; The Divine Comedy: Dante Alighieri;
Frankenstein: Mary Shelley; Dracula: Bram Stoker; Ulysses: James Joyce; The Trial: Franz Kafka;
Les Mis\u00e9rables: Victor Hugo; The Little Prince: Antoine de Saint-Exup\u00e9ry; Jane Eyre:
Charlotte Bront\u00eb; Wuthering Heights: Emily Bront\u00eb; Robinson Crusoe: Daniel Defoe;
Treasure Island: Robert Louis Stevenson; Alice in Wonderland: Lewis Carroll; The Jungle Book:
Rudyard Kipling; Animal Farm: George Orwell; The Hobbit: J. R. R. Tolkien; The Old Man and the Sea:
Ernest Hemingway; The Great Gatsby: F. Scott Fitzgerald; Peter Pan: J. M. Barrie;
The Adventures of Tom Sawyer: Mark Twain; Around the World in Eighty Days: Jules Verne
"""
PAINTERS = """
the Mona Lisa: Leonardo da Vinci; The Last Supper: Leonardo da Vinci; The Starry Night: Vincent van
Gogh; Guernica: Pablo Picasso; The Night Watch: Rembrandt; The Scream: Edvard Munch; The Kiss:
Gustav Klimt; The Birth of Venus: Sandro Botticelli; Girl with a Pearl Earring: Johannes Vermeer;
the ceiling of the Sistine Chapel: Michelangelo; Impression, Sunrise: Claude Monet
"""
COMPOSERS = """
The Magic Flute: Mozart; The Four Seasons: Vivaldi; Swan Lake: Tchaikovsky; Carmen: Georges Bizet;
the Ninth Symphony with the Ode to Joy: Beethoven; The Blue Danube: Johann Strauss; Messiah: Handel
"""
MAKERS = """
the telephone: Alexander Graham Bell; the light bulb: Thomas Edison; dynamite: Alfred Nobel;
the World Wide Web: Tim Berners-Lee; the theory of relativity: Albert Einstein; penicillin:
Alexander Fleming; radium: Marie and Pierre Curie; the law of gravity: Isaac Newton; the printing
press in Europe: Johannes Gutenberg; the theory of evolution: Charles Darwin
"""
FACTS = """
How many days are in a week?: Seven.
How many days does a leap year have?: 366.
How many months are in a year?: Twelve.
How many hours does a day have?: 24.
How many minutes are in an hour?: 60.
How many seconds are in a minute?: 60.
How many weeks are in a year?: 52.
How many centimeters are in a meter?: 100.
How many meters are in a kilometer?: 1,000.
How many grams are in a kilogram?: 1,000.
How many inches are in a foot?: Twelve.
How many feet are in a yard?: Three.
How many millimeters are in a centimeter?: Ten.
How many milliliters are in a liter?: 1,000.
How long is a mile in kilometers?: About 1.6 kilometers.
How many pounds is a kilogram?: About 2.2 pounds.
How many years are in a century?: 100.
How many years are in a decade?: Ten.
How many is a dozen?: Twelve.
How many sides does a triangle have?: Three.
How many sides does a hexagon have?: Six.
How many legs does an insect have?: Six.
How many legs does a spider have?: Eight.
How many arms does an octopus have?: Eight.
How many strings does a guitar have?: Usually six.
How many players are in a soccer team on the field?: Eleven.
How many planets are in the solar system?: Eight.
How many continents are there?: Seven.
How many letters are in the English alphabet?: 26.
How many vowels are in the English alphabet?: Five: a, e, i, o and u.
How many teeth does an adult usually have?: 32.
How many bones does an adult human have?: 206.
What comes after Friday?: Saturday.
Which day comes before Monday?: Sunday.
Which month comes after June?: July.
Which month comes before May?: April.
What is the first month of the year?: January.
What is the last month of the year?: December.
Which month has the fewest days?: February.
How many days does April have?: 30.
How many days does August have?: 31.
In which season does it snow most?: In winter.
What comes after spring?: Summer.
What is the largest planet?: Jupiter.
What is the smallest planet?: Mercury.
Which planet is known as the red planet?: Mars.
Which planet is closest to the sun?: Mercury.
Which planet has the brightest rings?: Saturn.
What is the largest ocean?: The Pacific Ocean.
What is the highest mountain?: Mount Everest.
What is the longest river in South America?: The Amazon.
What is the largest hot desert?: The Sahara.
What is the largest country by area?: Russia.
What is the largest land animal?: The African elephant.
What is the largest animal?: The blue whale.
What is the fastest land animal?: The cheetah.
Which animal is the tallest?: The giraffe.
What do bees make?: Honey.
What do cows eat?: Mostly grass.
What do pandas eat?: Mostly bamboo.
What is a baby dog called?: A puppy.
What is a baby cat called?: A kitten.
What is a baby sheep called?: A lamb.
What is a baby horse called?: A foal.
What is a group of wolves called?: A pack.
What is frozen water called?: Ice.
At what temperature does water boil?: At 100 degrees Celsius, at sea level.
At what temperature does water freeze?: At 0 degrees Celsius.
What is the chemical formula of water?: H2O.
What is the chemical symbol for gold?: Au.
What is the chemical symbol for iron?: Fe.
What is the chemical symbol for oxygen?: O.
What gas do plants take in?: Carbon dioxide.
What gas do we need to breathe?: Oxygen.
What color do you get from blue and yellow?: Green.
What color do you get from red and yellow?: Orange.
What color do you get from red and blue?: Purple.
What are the primary colors of paint?: Red, yellow and blue.
What are the colors of the French flag?: Blue, white and red.
In which direction does the sun rise?: In the east.
In which direction does the sun set?: In the west.
What is the square root of 81?: 9.
What is half of 50?: 25.
What is a quarter of 100?: 25.
What is 10 percent of 200?: 20.
What is pi, roughly?: About 3.14.
Who was the first person on the moon?: Neil Armstrong.
In what year did people first land on the moon?: In 1969.
In what year did the Second World War end?: In 1945.
In what year did the Berlin Wall fall?: In 1989.
Who was the first president of the United States?: George Washington.
Where are the pyramids of Giza?: In Egypt.
Where is the Eiffel Tower?: In Paris.
Where is the Colosseum?: In Rome.
Where is Big Ben?: In London.
Where is the Statue of Liberty?: In New York.
Where is the Taj Mahal?: In Agra, India.
Where is Machu Picchu?: In Peru.
Where do kangaroos live?: In Australia.
Where do polar bears live?: In the Arctic.
What currency does Japan use?: The yen.
What currency does Germany use?: The euro.
What currency does the United Kingdom use?: The pound.
What currency does Switzerland use?: The Swiss franc.
What currency does India use?: The rupee.
What language do they speak in Brazil?: Portuguese.
What language do they speak in Austria?: German.
Which organ pumps the blood?: The heart.
What do we hear with?: With our ears.
What instrument has 88 keys?: A piano.
What sport is played at Wimbledon?: Tennis.
What does a thermometer measure?: Temperature.
What does a barometer measure?: Air pressure.
What is the study of stars called?: Astronomy.
What is the study of plants called?: Botany.
What do you call a doctor for animals?: A veterinarian, or vet.
What do you call a person who bakes bread?: A baker.
What is bread made of?: Mostly flour, water, yeast and salt.
What is cheese made from?: Milk.
What is wine made from?: Grapes.
What is paper made from?: Mostly wood.
What is glass made from?: Mostly sand.
What does a red traffic light mean?: Stop.
What does a green traffic light mean?: Go.
What does CPU stand for?: Central processing unit.
What does HTML stand for?: HyperText Markup Language.
What does USB stand for?: Universal Serial Bus.
What does a.m. mean?: Before noon.
Is the earth flat?: No, it is roughly a ball.
Is a whale a fish?: No, it is a mammal.
Is a tomato a fruit?: Yes, botanically it is a fruit.
Is the sun a star?: Yes.
Is 17 a prime number?: Yes.
Is 21 a prime number?: No, it is 3 times 7.
Can penguins fly?: No.
Do fish have lungs?: Most do not; they breathe with gills.
"""


def pairs(text: str) -> list[tuple[str, str]]:
    """("Hamlet", "William Shakespeare"), ... of "Hamlet: William Shakespeare; ..."."""
    parts = " ".join(text.split()).split("; ")
    return [(part.split(": ")[0], part.split(": ")[1]) for part in parts]
