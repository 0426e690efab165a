"""The phrasings of questions about recordings; a star keeps one for scoring."""

from data.embedded.findings.draw import read_wording

RECORDINGS = read_wording("""
happens
    What [happens|is happening|is going on] [in the video|in this clip|in this film|here]?
    What do you see in [the video|this clip|this film]?
    What does [the video|this clip|the film|it] show?
    [Describe|Summarize|Explain] [the video|this clip|the film].
    [Tell me|Say] what [happens|you see] [in this video|in the clip|].
    What is [the video|this clip|the film] about?
    whats in the video
    * What is [to be seen|going on] in this recording?
doing
    What is the [person|man|woman|guy|boy|girl|player|lady] doing?
    What [is he|is she|are they] doing [in the video|in the clip|here|]?
    What [activity|sport] [is this|do you see]?
    * What is [he|she] up to in the film?
holding
    What [is the person|is he|is she|is the woman|is the man] [holding|carrying]?
    What does [he|she|the person] [have in the hand|hold|carry]?
    What [is in his hand|is in her hand|are they holding]?
    * Which object is [he|she] holding?
riding
    What [is the person|is he|is she|is the woman|is the guy] [riding|driving|standing on]?
    What does [he|she|the man|the person] ride?
    What kind of vehicle [is it|does the person use|is he on]?
    * On what is [he|she] riding?
clothes
    What color is [the person's|her|the man's|the woman's] [shirt|jacket|top|sweater|coat]?
    What color are [his|her|their] clothes?
    What [is he|is she|is the person] wearing?
    * In which color is [he|she] dressed?
it color
    What color is [it|that|this thing|the box|the object]?
    Which color does it have?
    * And its color?
end
    What [appears|shows up|enters] [at the end|later|in the last part]?
    What [can be seen|is visible|do you see] at the end?
    What comes into [the picture|the frame|sight]?
    * What turns up last?
behind
    What is behind [her|them|the person|the man|the woman]?
    What [can you see|is] in the background?
    * What is there behind the person?
place
    [Is it|Is she|Are they] [inside or outside|outdoors or indoors|indoors or outdoors]?
    Was this filmed [inside or outside|outdoors or indoors|indoors or outdoors]?
    Where [is this|does this take place|was this filmed|are they]?
    * Where do we see [him|her]?
light
    Is it [day or night|night or day|light or dark] [in the video|there|]?
    What time of day is it [in the video|]?
    * Is this at night?
moving
    [Which way|Where] [does the person|does he|does she] [go|move|walk]?
    Does the [person|camera] move?
    [Is he|Is she|Is the person] moving?
    * In which direction does [he|she] go?
count
    How many people [are in the video|are there|do you see|appear|can be seen]?
    How many persons are in [the clip|the film]?
    * What number of people appears?
text
    [What|Which] [text|words|numbers] [appear|are shown|can you read] [in the video|in the clip|]?
    What [is written|does it say] in [the video|the film|it]?
    Is there [any |]text in [the video|the clip]?
    * Which words can be read in the film?
unknown
    Who [is he|is she|is that|are they|is the woman|is in the video]?
    What [is he|is she|are they] [saying|talking about|thinking]?
    How fast [is she|are they|is it] going?
    How long does [the video|it] take?
    [When|In what country|In which city] was this filmed?
    What music [is playing|do you hear]?
    What [happens|comes] after the end?
    How old [is he|is she|are they]?
    * What language is spoken?
claim
    [I think|No,] [he|she|the person] is {act}, [right|isn't that so|is that true]?
    Is [he|she|the person] {act}?
    [He|She] is {act}, no?
    * Would you agree that [he|she] is {act}?
""")
