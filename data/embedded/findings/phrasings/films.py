"""The phrasings of questions about films; a star keeps one for scoring."""

from data.embedded.findings.draw import read_wording

FILMS = read_wording("""
happens
    What [happens|is happening|is going on] [in the video|in this clip|here|in the film]?
    [Describe|Summarize] [the video|this clip|the film].
    [Tell me|Say] what [happens|you see in the video].
    What do you see in the [clip|video|film]?
    What is the [video|clip] about?
    * Walk me through the [clip|video].
    * What goes on here?
motion
    [Which way|Where] does the {x} [head|travel|turn]?
    [Which way|In which direction|Where] does the {x} [move|go]?
    [Where|Which way] is the {x} [going|moving|heading]?
    Does the {x} move left or right?
    How does the {x} move?
    * In what direction is the {x} heading?
moves
    Is the {x} in motion?
    Does the {x} [move at all|change its place]?
    Does the {x} move [in the video|in the clip|]?
    Has the {x} moved?
    Does the {x} move?
    Is the {x} moving [or standing still|]?
    * Is there any movement of the {x}?
change
    Is there [any change|anything different]?
    Do you notice [any change|a change|changes]?
    Does anything change [in the video|in the clip|]?
    [Is there any difference between start and end|Do things change]?
    * Is there any change?
first
    What [do we see|can be seen|is shown] [first|at the start|in the beginning]?
    What [comes|appears|do you see] first?
    What [is there|do you see] at the [start|beginning]?
    How does the [video|clip] [start|begin]?
    * What does it open with?
last
    What [do we see|can be seen|is shown|remains] [last|at the end|in the last frame]?
    What [do you see|is there|is visible] at the end?
    How does the [video|clip] end?
    What [comes|appears] last?
    * What does it close with?
new
    What [appears|is new|comes into the picture] [later|during the clip|]?
    Does anything [appear|come in|show up]?
    * What turns up later on?
gone
    What [vanishes|is missing at the end|went away]?
    Which thing [leaves|goes away]?
    What [disappears|leaves|goes away|is gone at the end]?
    Does anything [leave|disappear]?
    * What is no longer there at the end?
count start
    How many {xs} [does it start with|are in the first frame|are there at first]?
    How many {xs} [are there|do you see] at the [start|beginning]?
    * How many {xs} does it begin with?
count end
    How many {xs} [remain|are in the last frame|are there in the end]?
    How many {xs} [are there|do you see|are left] at the end?
    * How many {xs} does it end with?
count
    How many {xs} [can you see|are there|are shown] [in the clip|in the video|]?
    Number of {xs} in the [clip|video]?
    How many {xs} [are in the video|do you see|appear]?
    * Count the {xs} in the clip.
present
    [Can you see|Is there] {a_x} [in it|somewhere]?
    Is there {a_x} in the [video|clip|film]?
    Do you see {a_x} [in the video|at any time|]?
    Does {a_x} [appear|show up]?
    * Can {a_x} be seen at some point?
before
    [What|Which] [is|comes] [earlier|before the other], {a_x} or {a_y}?
    Do I [first see|see first] {a_x} or {a_y}?
    What comes first, {a_x} or {a_y}?
    Which [appears|is seen] first, {a_x} or {a_y}?
    * Does {a_x} or {a_y} come earlier?
text
    [Is there|Do you see] [any|some] text [in it|in the clip|]?
    What [is written|text can you read|does the text say] in the [video|clip]?
    Which text [appears|is shown] [in the clip|]?
    [What|Which] [words|letters|numbers] [appear|are shown|can be read] [in the clip|]?
    Read the text [in the clip|].
    * What words are shown?
last text
    What is the last text [shown|in the video]?
    [Read|Tell me] the [text|words] at the end.
    What text [comes|is] last?
    What [is written|does it say] at the end?
    * With which words does it end?
first text
    [Read|Tell me] the [text|words] at the [start|beginning].
    What is the first text [shown|in the video]?
    What [is written|does it say] at the [start|beginning]?
    * Which words does it open with?
sound
    What [is he|is she|are they] [saying|talking about|singing]?
    What [music|song|sound] is [playing|in it]?
    Can you hear [anything|what they say]?
    What [language|accent] do they speak?
    * What is to be heard?
next
    What [happens|will happen|comes] [next|after this|afterwards]?
    How does [it|the story] go on?
    * What follows after the clip?
length
    How long is the [video|clip]?
    [When|In which year] was it filmed?
    Who [filmed|made|shot] [this|it]?
    * How many minutes does it last?
who
    Who is [he|she|that|the person] [in the video|]?
    [What is his name|What is her name|Do you know them]?
    * Tell me who appears in the clip.
doing
    What is the [person|man|woman|guy] doing [in the video|]?
    What [are the people|are they] doing?
    * What is the [person|man] busy with?
color
    [Tell me|Say] the color of the {x}.
    What is the color of the {x} [in the clip|in the video|]?
    What color is the {x}?
    [Which|What] color does the {x} have [in the video|]?
    * Can you name the {x}'s color?
turns into
    What [follows|replaces|is after] the {x}?
    The {x} [becomes|turns into|changes into] what?
    What does the {x} [turn into|become|change into]?
    What comes after the {x}?
    * Into what does the {x} change?
""")
