"""The phrasings of questions about things, people and kinds; a star keeps one for scoring."""

from data.embedded.findings.draw import read_wording
from data.embedded.findings.phrasings.people import PEOPLE

SCENES = read_wording(
    PEOPLE
    + """
list
    What [can you see|do you see|is there] [in the {pic}|here|in this {pic}]?
    What [things|objects] are [in the {pic}|there|here]?
    [Describe|Please describe] [the {pic}|this {pic}|what you see].
    What's [in this {pic}|in the {pic}|here|on the {pic}]?
    Tell me what [you see|is in the {pic}|this {pic} shows].
    What does this {pic} show?
    [Give me|Write] a [short |]description [of the {pic}|].
    List [everything you see|the things in the {pic}|all objects].
    What is [shown|visible] [in this {pic}|here]?
    What am I looking at?
    Was [siehst du|ist] auf dem Bild?
    ¿Qué ves en la imagen?
    Que vois-tu sur l'image?
    Cosa vedi nell'immagine?
    * What all can you spot in this {pic}?
    * [Caption this.|How would you describe the {pic}?]
    * Explain what is visible here.
main
    What is this {pic} [mainly|mostly] [showing|about]?
    What is the [main thing|main subject|biggest thing|most prominent thing] [in the {pic}|here]?
    What is the {pic} [about|mostly of]?
    What stands out [in the {pic}|]?
    * What takes up most of the {pic}?
count
    How many {xs} [are there|are in the {pic}|do you see|can you see|are visible|can you count]?
    [Count|Please count] the {xs}.
    How many {xs} [are shown|does the {pic} have]?
    Number of {xs}?
    How many {xs} in [the {pic}|this {pic}|total]?
    Tell me how many {xs} there are.
    * How many {xs} [appear here|would you count]?
    * What is the number of {xs} [in the {pic}|]?
count all
    How many things [do you see|are there|did you find] [in all|altogether|]?
    * How many objects can you make out?
color
    [Do you see|Can you see] what color the {x} is?
    [So what|And what] color would that {x} be?
    What color is the {x}?
    Which color [is|has] the {x}?
    What is the color of the {x}?
    [Tell me|Say] what color the {x} is.
    The {x} is what color?
    What color does the {x} have?
    What's the {x}'s color?
    [Color of the {x}?|{x} color?]
    * Can you tell the color of the {x}?
    * In what color is the {x}?
where
    Can you [locate|find] the {x}?
    Where is the {x}?
    Where [in the {pic}|] [is|do you see|can I find] the {x}?
    Whereabouts is the {x}?
    [Tell me|Show me] where the {x} is.
    [On which side|In which part of the {pic}] is the {x}?
    What position is the {x} in?
    Which side is the {x} on?
    * Where should I look for the {x}?
    * Where would I find the {x} in this {pic}?
at place
    What is [on|at] the {place}?
    What do you see [on|at] the {place}?
    What's [on|at] the {place} [of the {pic}|]?
    [Which object|Which thing] is [on|at] the {place}?
    * Name the thing [on|at] the {place}.
of color
    [What's|What is] that {color} [thing|object] [there|in the {pic}|]?
    Do you see something {color}? What is it?
    What is the {color} thing?
    What [thing|object] is {color} [in the {pic}|]?
    Which of the things is {color}?
    * Is anything {color} here, and what?
written
    What [is written|does it say|is the text] [there|on it|in the {pic}|]?
    [Is there any|Do you see any|Can you read any] text [in the {pic}|here]?
    [Read|Tell me] [the text|what is written].
    Any [writing|text|words] in [the {pic}|there]?
    What [words|letters] [are in the {pic}|can you read]?
    * Can you read what stands there?
written on clothes
    What does it say on the [shirt|jacket|cap|vest|sweater]?
    What is [written|printed] on [his|her|their|the person's] [shirt|clothes|jacket|back]?
    What is on the {color} [shirt|jacket|T-shirt]?
    * Which words does the [shirt|cap] carry?
written on
    What text is [on|shown on] the {x}?
    What [is written|does it say|is printed] on the {x}?
    [Read|Tell me] what is [on|written on] the {x}.
    Which [words|name] [is|are] on the {x}?
    [Is anything written on|Is there a name on] the {x}?
    * What can be read on the {x}?
on table
    What is on the [table|plate|plates]?
    What [is there|do they have|are they having] to [eat|drink|eat and drink]?
    What [food|meal] is [this|it|there]?
    What is [served|being eaten] here?
    * Which things stand on the table?
sky
    What is [in the sky|flying there|in the air]?
    What [flies|is flying] [there|up there|here]?
    * Which thing is up in the air?
people pose
    How many [people|of them] are [sitting|walking|running|looking at the camera]?
    How many [men|women|children|kids|adults] [are there|do you see]?
    * How many of the people [stand|wear a hat]?
left or right
    The {x}, is it [left|right] or [right|left] of the {y}?
    Compared to the {y}, is the {x} more to the left or to the right?
    Where is the {x} [compared to|relative to|with respect to] the {y}[, left or right|]?
    Is the {x} left or right of the {y}?
    Is the {x} on the left or on the right of the {y}?
    Which side of the {y} is the {x} on, left or right?
    Where is the {x}: to the left or to the right of the {y}?
    * Seen from here, is the {x} right or left of the {y}?
side
    [Is|Do you see] the {x} [on the right or on the left|left or right]?
    On [which side|what side] do you see the {x}, left or right?
    Is the {x} on the left or on the right?
    Is the {x} more to the left or the right [of the {pic}|]?
    * Left or right: where is the {x}?
present
    Is there {a_x} [in the {pic}|here|]?
    [Can|Do] you see {a_x} [in the {pic}|here|anywhere|]?
    Does the {pic} [show|contain|have] {a_x}?
    Is {a_x} [in the {pic}|visible]?
    Any {xs} [here|in the {pic}|]?
    Are there any {xs} [in the {pic}|]?
    Do we have {a_x} here?
    * Is there {a_x} anywhere in this {pic}?
    * Are {xs} in it?
is color
    Is that a {color} {x}?
    I see a {color} {x}. [Right?|Is that right?|Or not?|Do you see it, too?]
    Is the {x} [really|actually|not] {color}?
    Do you think the {x} is {color}?
    Is the color of the {x} {color}?
    Is the {x} {color}?
    The {x} is {color}, [isn't it|right|correct]?
    Would you say the {x} is {color}?
    * Does the {x} look {color} [to you|]?
which color
    [Is|Was] the {x} {a} or [rather|maybe|] {b}?
    What color is the {x}, {a} or {b}?
    Would you call the {x} {a} or {b}?
    Does the {x} look {a} or {b}?
    Is the {x} {a} or {b}?
    What is it, {a} or {b}, the {x}?
    * {a} or {b}: which color is the {x}?
which thing
    Is there {a_x} or {a_y} [in the {pic}|here|]?
    What is [in the {pic}|here|this], {a_x} or {a_y}?
    Does the {pic} show {a_x} or {a_y}?
    Is it {a_x} or {a_y}?
    Is this {a_x} or {a_y}?
    Do you see {a_x} or {a_y}?
    * Which is it, {a_x} or {a_y}?
more
    Do you see more {xs} or [more|] {ys}?
    Are there more {xs} than {ys}, or more {ys}?
    Which [is|are] more, the {xs} or the {ys}?
    Are there more {xs} or more {ys}?
    What is there more of, {xs} or {ys}?
    * Which are more numerous, {xs} or {ys}?
bigger
    Which is bigger, the {x} or the {y}?
    What looks [larger|bigger], the {x} or the {y}?
    * What takes more room, the {x} or the {y}?
group
    [Which|What] {group} [are there|do you see|are in this {pic}|can you see]?
    Are there [any|] {group} [in the {pic}|], and which?
    [Name|List] the {group} [in the {pic}|].
    * [Which|What] {group} can be made out?
only
    [Is that all|Anything else|Is there anything else|What else] [in the {pic}|do you see|]?
    * Did you miss anything?
part color
    [What is|Tell me] the color of [its|the {x}'s] {parts}?
    How about the color of the {x}'s {parts}?
    What color are [its|the {x}'s] {parts}?
    Which color do [its|the {x}'s] {parts} have?
    * Can you tell me the color of its {parts}?
place
    [Where do you think|Where would you say] this is?
    What [kind|sort] of place is [this|it]?
    Where [is this|was this taken|could this be|are we]?
    What is the setting [of the {pic}|]?
    Which room is this?
    What [kind|type] of scene is this?
    * In what surroundings was the {pic} taken?
indoors
    [Is it|Is this] [inside|outside|indoors|outdoors] or not?
    Are [they|we] [indoors or outdoors|inside or outside]?
    [Is this|Was this taken|Is it] [indoors or outdoors|inside or outside|outdoors or indoors]?
    * Are we inside or outside?
town
    Which [city|country|town|street] is [this|it|that]?
    Where exactly [is this|was the {pic} taken]?
    Which [state|continent] [is this in|was this taken in]?
    * Name the [city|country] of this {pic}.
day or night
    Is it [day or night|night or day|daytime or nighttime]?
    [Was this|Is this] [taken|] [at night|by day|during the day]?
    * Does it look like day or like night?
season
    [Which|What] [season|time of year] is [it|this]?
    Is it [summer or winter|winter or summer|spring or autumn]?
    * In what season was it taken?
when
    When was [this|the {pic}] taken?
    What [time|year|day] [was this|is it]?
    * On what day was this taken?
background
    [Which|What] color [dominates|is most common|prevails] [here|in the {pic}|]?
    What color is [behind|around] [it|everything]?
    What color is the background?
    What is the [main|most common|dominant] color [of the {pic}|]?
    * Which color does most of the {pic} have?
name
    What's this?
    What [animal|thing|object] is [this|that|it]?
    Can you [identify|recognize|name] this?
    Do you know what this is?
    [Name|Identify] [it|this|this thing|the thing].
    What do we have here?
    [What kind of thing is this|What could this be|What is it]?
    Was [ist das|könnte das sein]?
    ¿Qué es [esto|eso]?
    Qu'est-ce que [c'est|c'est que ça]?
    * [What might this be|What is that thing|Could you name this]?
kind of
    [What|Which] [kind|type|breed|sort|species] of {family} is [this|it|that]?
    Which {family} is it [exactly|]?
    [What|Which] {family} is [this|that|it|here]?
    [what|which] {family} do [you|we] see?
    * Can you tell the exact [kind|type] of {family}?
is a
    [So it's|So this is] {a_x}?
    Is [this|it|that] {a_x}?
    [This|It|That] is {a_x}, [right|isn't it|correct]?
    Could [this|it] be {a_x}?
    * Would you call this {a_x}?
sure
    [Are you|You're] [positive|very sure|quite certain] [about it|]?
    [Is that|Is it] [true|really so|correct]?
    Are you [certain|really sure|sure about that|100% sure]?
    Really?
    * Is that certain?
claim
    [I see|I think I see|There is] {a_x} [there|in it|]. [Do you see it too|Right|Don't you think]?
    No, [that's|it is|that is] {a_x}.
    But isn't [that|it] {a_x}?
    [You're wrong|Wrong|Look again], [there is|I see] {a_x}.
    Are you sure? I see {a_x}.
    * [I am sure|Believe me], there is {a_x}.
these are
    [Those|These|They] are {xs}, [right|aren't they|no|true]?
    [So|Ah,] [those|these] are {xs}?
    Are [these|those|they] {xs}?
    * I take it [these|those] are {xs}.
what doing thing
    What is the {x} [made of|worth|called|used for here]?
    How much does the {x} [weigh|cost]?
    How old is the {x}?
    Who [owns|made|bought|built] the {x}?
    * What did somebody pay for the {x}?
next
    What will happen next?
    What [happened|was there] before [this|the {pic}]?
    What is [outside|beyond the edge] of the {pic}?
    What is behind the camera?
    Who took [this|the {pic}]?
    * What comes after this moment?
absent thing
    What color is the {x}?
    Where is the {x}?
    What is the {x} [doing|next to|on]?
    [How big|How old] is the {x}?
    What [breed|kind] is the {x}?
    What is the [person|man|woman] behind the {x} [doing|wearing]?
    * Which color would you say the {x} is?
"""
)
