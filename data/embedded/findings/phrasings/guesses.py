"""The phrasings of questions that ask for more than is seen; a star keeps one for scoring."""

from data.embedded.findings.draw import read_wording

GUESSES = read_wording("""
animal doing
    What is the {x} [doing|up to] [here|there|]?
    What does the {x} do?
    Is the {x} [sleeping|eating|playing|running|sitting]?
    * Can you tell what the {x} does?
person behind
    What is the [man|woman|person|child|boy] [behind|next to|beside|in front of] the {x} doing?
    Who [stands|sits|is] [behind|next to|beside] the {x}?
    What does the [man|woman|child] with the {x} [wear|do|want]?
    * Whom do you see beside the {x}?
act claim
    [No, |But |]the [person|man|woman] is {act}, [right|is that so|isn't that so]?
    [He|She] is {act}, [no|right]?
    Is [he|she|the person] {act}?
    * I would have thought that [he|she] is {act}.
city
    Which [city|town] [is it|could it be|do you think it is]?
    In [which|what] [city|town] [is this|was this taken]?
    Do you know the [city|town]?
    * What town might it be?
occasion
    What [are they|is the family|do they] [celebrating|celebrate]?
    [What|Which] [occasion|event|celebration] is [this|it]?
    What is the occasion?
    Is it [a party|a birthday|a wedding|Christmas]?
    * Which feast may this be?
job
    What is the [job|profession|occupation] of [the person|the woman|this man|the one on the left]?
    What does [he|she|the person|this woman|the man] do for a living?
    What do [they|these people] work as?
    Is [he|she|the person] a [doctor|policeman|teacher|soldier|waiter|pilot]?
    * In which line of work is [he|she]?
sport
    [What|Which] [sport|game] is [this|that|it|being played]?
    What [do they|does he|does she] play?
    * In which sport are they?
side color
    What color is the {x} on the {side}?
    Which color does the {x} on the {side} have?
    And the {x} on the {side}, what color is it?
    * The {side} {x} has what color?
side what
    [Which|What] {group} is on the {side}?
    What is the {group} on the {side}?
    * Name the {group} at the {side}.
subset
    How many of them [wear glasses|are smiling|wear a hat|have a beard|look at us|are children]?
    How many [people|persons] [sit|are sitting|wear hats|are lying down|have long hair]?
    How many [boys|girls|adults|old people|players|soldiers] [are there|do you see|]?
    [Count|How many are] the [sitting|laughing|blond] [people|ones].
    * How many of them raise a hand?
body
    How many [hands|arms|teeth|eyes|toes] [are|do you see] [visible|in the {pic}|]?
    How many [hands|toes|feet] [does he|does she|does the person] [show|hold up]?
    How many [fingers|thumbs|ears|knees] [do you see|are there|are shown]?
    What [gesture|sign] [is it|does the hand make]?
    * How many knuckles can be seen?
young
    Is [the person|he|she] [young or old|a child or an adult|old or young]?
    Are they [children|adults|teenagers|elderly]?
    Are the people [young|elderly|middle-aged]?
    * Would you call them young?
well
    Are they [sad|angry|excited|bored|friends|in a good mood]?
    Is [he|she|anyone] [smiling|laughing|crying|pleased]?
    Do they look [happy|sad|tired|friendly]?
    Is [the skin|his leg|her face|this foot|the wound] [well|infected|normal|okay|broken]?
    Is [this|the] [hand|knee|tooth|arm|eye] [all right|hurt|sick|normal|injured]?
    Do I need [a doctor|surgery|medicine]?
    What [medicine|dose|treatment] [helps|should I take|is right]?
    * Is it serious?
detail
    [Does|Has] the [man|woman|person|child] [have|got] [a beard|a moustache|a tattoo|freckles]?
    Is [he|she|the woman|the man|the person] wearing [a mask|a hat|a cap|glasses|earrings|gloves]?
    Does [he|she] wear [a ring|a watch|makeup|a belt|a necklace]?
    Is the [man|woman|person] [bald|blond|barefoot|left-handed]?
    What color [are the eyes|is the hair|are the shoes|is the beard]?
    * Do you see a piercing?
thing detail
    What [brand|make|model|size|year] is the {x}?
    [Who owns|How heavy is|How fast is|How expensive is|How old is] the {x}?
    What is the {x} [made of|worth|used for]?
    Is the {x} [new|broken|for sale|expensive|heavy]?
    Who does the {x} belong to?
    What is [inside|behind|under] the {x}?
    * What would somebody pay for the {x}?
part color
    What color are [its|the {x}'s] [ears|paws|eyes|legs|feet]?
    What color is [its|the {x}'s] [tail|nose|belly|head|back]?
    * Which color has the {x}'s nose?
picture detail
    Who [took|painted|made] [this {pic}|it]?
    [What|Which] camera was [used|it]?
    Is [the {pic}|this] [real|fake|edited|old|generated]?
    What [year|date] [is this|was it taken]?
    Which [painting|artwork|film|famous place] is this?
    * Is that a famous {pic}?
""")
