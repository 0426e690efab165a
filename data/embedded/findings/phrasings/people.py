"""The phrasings of questions about people (see questions_scenes)."""

PEOPLE = """
people there
    [Is|Can you see] [anyone|somebody|anybody] [in the {pic}|there|here|]?
    Are there [any |]people [in the {pic}|here|]?
    Do you see [people|any people|a person|anyone]?
    Is there a [person|man|woman|human] [in the {pic}|here]?
    * Does anybody appear in this {pic}?
people count
    How many [people|persons|humans] [are there|do you see|can you see|are in the {pic}]?
    How many [guys|folks] are [there|in this {pic}]?
    [Count the people.|How many people?|How big is the group?]
    Wie viele [Personen|Leute|Menschen] siehst du?
    ¿Cuántas personas hay?
    Combien de personnes vois-tu?
    * How many persons would you count?
people where
    [Where|In which part of the {pic}] [can I see|do you see] [him|her|them|the person]?
    Where [is the person|are the people|is he|is she|are they]?
    [In which part of the {pic}|On which side] [is the person|are the people]?
    * Where would I find the [person|people]?
people doing
    What are [those|these|the] people [doing|busy with]?
    Can you tell what [he|she|the person] is doing?
    What [is the person|is the man|is the woman|is he|is she] doing?
    What are [the people|they] [doing|up to]?
    What [is going on|is happening] [here|in the {pic}]?
    What activity is this?
    * What [is the guy|is that person] up to?
people wear
    What [is the person|is he|is she|are they] wearing?
    What clothes [does the person have on|is she in|is he in]?
    What color [is the person's|is his|is her] [shirt|jacket|top|dress|coat|sweater]?
    What color are [the person's|his|her] clothes?
    [Describe|Tell me about] the [person's|] clothing.
    * What does the person have on?
people detail
    [Is the person|Is he|Is she] wearing [glasses|a hat|a watch|gloves|earrings|a scarf]?
    Does [he|she|the person] have [a mustache|long hair|a ring|short hair|freckles|blue eyes]?
    What color [is her hair|is his hair|are his eyes|are her eyes]?
    [Is he|Is she|Is the person] [smiling|barefoot|bald|looking at the camera]?
    * Has [she|he] got [a tattoo|curly hair|an earring]?
people who
    Who [is he|is she|is the person|are they|are these people|is that]?
    Who is [the|this|that] [man|woman|guy|lady|child|person]?
    Who are [the|those|these] [women|guys|men|children|two]?
    What is [his|her|the person's] name?
    [Do you know|Can you identify|Do you recognize] [this person|him|her|them]?
    Is [this|that] [a celebrity|someone famous|a famous actor|a politician]?
    Which [actor|singer|player|politician] is this?
    * Name the person in the {pic}.
people age
    How old [is he|is she|is the person|are they]?
    [Guess|Estimate] [his|her|the person's] age.
    Is [he|she|the person] [older than thirty|a teenager|under 18|over 60]?
    * What age would you say [he|she] is?
people feel
    How [does he|does she|does the person|do they] feel?
    [Is he|Is she|Is the person] [sad|angry|happy|tired|nervous|in love]?
    What mood [is she|is he|are they] in?
    What is [he|she|the person] thinking?
    * Which emotion does the person show?
people health
    Is [he|she|the person] [ill|sick|healthy|pregnant|injured|drunk]?
    Does [he|she] have [a fever|an illness|a disease]?
    * Does the person look unwell?
people gender
    Is [it|this|the person] a [man or a woman|woman or a man|boy or a girl]?
    [Man or woman|Male or female|Boy or girl]?
    * Would you say it is a lady or a gentleman?
people else
    What [is his|is her|is the person's] [job|religion|nationality|income|address]?
    Where [does she|does he] [live|come from|work]?
    Are they [related|married|friends|a couple|brothers]?
    * Which country is the person from?
person thing
    What is the [person|man|woman] [holding|carrying]?
    What does the [person|man|woman] have [with them|in the hand]?
    * What has the person got there?
people ride
    What [is the person|is he|is she] [riding|on|standing on|sitting on]?
    * What does the person ride?
"""
