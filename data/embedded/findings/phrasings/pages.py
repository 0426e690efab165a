"""The phrasings of questions about text and pages; a star keeps one for scoring."""

from data.embedded.findings.draw import read_wording
from data.embedded.findings.phrasings.documents import DOCUMENTS

PAGES = read_wording(
    DOCUMENTS
    + """
kind
    What [kind|type|sort] of [document|page|text] is [this|it|that]?
    What [is this|is that|am I looking at], a letter or [a bill|a form|something else]?
    What [is this document|is this page|is on this page|have I got here]?
    What sort of thing did I [upload|scan|photograph]?
    What does this [scan|{pic}|photo] show?
    [Describe|Please describe] this [page|document|{pic}].
    * How would you classify this [document|page]?
    * Which type of paper is this?
screen
    What does [this|the] [screenshot|screen|window] show?
    What do we see in [this|the] [screenshot|window]?
    [Of what|Of which program] is this [a screenshot|screenshot]?
    What [program|app|window|page] [is this|is open|do you see]?
    [Describe|Explain] [the|this] [screenshot|screen].
    What is [on|open on] [the|my|this] screen?
    * What can be seen on my monitor?
about
    [Summarize|Please summarize] [this|the page|the document|the text|it] [briefly|].
    Sum up [the page|the text|the document].
    What is [the page|the document|the text|it] about?
    What is this [notice|letter|flyer|sign|screenshot|leaflet] [about|for]?
    What's [this about|the gist|the main point]?
    [Give me|I need] a [short |]summary [of this|].
    What do I need to know [from this|]?
    * TLDR [of this|]?
    * In a sentence, what does this [page|text] tell me?
title
    What is the [title|heading|headline] [of this|of the page|]?
    What does the [heading|title|top line] say?
    [Read|Tell me] the [title|heading].
    * How is the [page|text] headed?
says
    What does [it|the text|this] say?
    What is written [here|there|on it|on this]?
    [Read|Please read|Can you read] [it|this|the text] [out|for me|].
    What's the text?
    What words are [on it|in the {pic}|there]?
    Which text [do you see|can you read]?
    Transcribe [this|the {pic}|it].
    Was steht da?
    ¿Qué dice [aquí|el texto]?
    Qu'est-ce qui est écrit?
    * Tell me what stands there.
    * Could you read that out loud?
sign says
    What does [this|that] sign say?
    What [does|did] the [board|poster|plate|paper] say?
    [Read|Tell me] what the [notice|board|poster] says.
    What is [on|written on] the [sign|board|label]?
    [Read|Please read] the [sign|board|label].
    What's on the sign?
    * Tell me what the sign reads.
line
    What [is|stands] in the {nth} line?
    [Read|What is|What does it say in] line {n}?
    What is the [{nth}|{nth}] line?
    [Read|Give me] the {nth} line.
    * Quote line number {n}.
last line
    [Read|Give me|What is] the [last|bottom] line[ of it|].
    How does [it|the text|the page] end?
    What is the last line?
    What does it say at the [bottom|end|very end]?
    * Read the line at the bottom.
num lines
    [Number of|How many] [lines|rows] [of text|] [in total|can you read]?
    How many lines [of text|] [are there|does it have|do you see]?
    * Count the lines of text.
word there
    Can you [find|see|read] "{word}" [there|in it|on the page]?
    Does it [say|mention] "{word}"?
    Is [the word|] "{word}" [on it|in the text|there]?
    Do you see the word {word}?
    * Can "{word}" be found in the text?
language
    [What|Which] language is [this|it|the text|that] [in|written in|]?
    In [what|which] language is [it|the text|this]?
    * Can you tell the language?
obey
    Do what [it says|the text says|is written there].
    [Follow|Obey] [the instruction|the text].
    * Please carry out what is written there.
allowed
    [Am I allowed to|May I|Can I] {act} [here|there]?
    Is it [allowed|OK|permitted] to {act} [here|]?
    [Is {acting} allowed|Is {acting} permitted] [here|]?
    * Do the rules let me {act} here?
limit
    What is the speed limit?
    How fast [can|may] I [drive|go] [here|]?
    [Which|What] [speed|maximum speed] is allowed?
    * What is the top speed permitted [here|]?
warning
    What [is it|is the sign] [warning about|warning of]?
    What does [it|the sign] warn [of|about]?
    What [is the danger|should I watch out for|is the warning]?
    * Against what am I warned?
means
    [What|And what] does [that|it] mean?
    [Explain|Can you explain] [this|the] sign[ to me|].
    What [should I do|do they want me to do|must I observe] [here|]?
    What does [this|the] sign mean?
    What is the sign [for|telling me]?
    * What should I do because of this sign?
brand
    [Which|What] brand is [it|this|on it|that|the {x}]?
    [What|Which] [make|brand] is the {x}?
    Who makes [this|the {x}]?
    Which company's {x} is it?
    What brand name do you see?
    * By whom was the {x} made?
hours
    [Till when|From when] are they open on {day}?
    [What are|Tell me] the opening hours?
    When [is it|are they] open [on {day}|]?
    [What time|When] do they [open|close] on {day}?
    * What hours are kept on {day}?
departs
    [When|What time] is the next {x} to {to}?
    {x} to {to}, [when|what time]?
    When does the {x} to {to} [leave|depart|go]?
    What time is the {x} to {to}?
    [When|At what time] can I get [a|the] {x} to {to}?
    * At what hour does the {x} to {to} set off?
track
    [From which|Which] [platform|gate|track] [does|is] the {x} to {to} [leave from|go from|]?
    Where does the {x} to {to} leave?
    * On what {track} is the {x} to {to}?
seat
    What [seat|place] [do I have|is booked|was reserved]?
    Seat number?
    [What is my seat|Which seat|What seat is it]?
    [Where do I sit|Which seat do I have]?
    * What seat was booked?
route
    [From where|From which town] and to where [is it|do I go]?
    Where does [the trip|it] go [from and to|]?
    [From where to where|Which route] is the ticket?
    * What journey is it for?
author
    By whom is [it|this|the text]?
    What is the [author's name|name of the author]?
    Does it [say|mention] who wrote it?
    Who [is the author|wrote this|is it by]?
    * Whose text is it?
page number
    [On which|What] page [are we|am I]?
    [Which|What] number [is at the bottom|has the page]?
    [Which|What] page is [this|it]?
    What is the page number?
    * What number does the page carry?
error
    [Explain|What is] the [message|warning|problem]?
    What [went wrong|is the error|is the problem|does the error say]?
    What does [the message|it] [complain about|tell me]?
    Why [does it not work|did it fail]?
    * What trouble is reported?
code
    [Tell me|Give me] the [code|error code].
    What [number|code] does the [error|message] have?
    What is the [error code|code]?
    Which error code is it?
    * What code is given with the error?
buttons
    [What|Which] buttons [are there|can I press|do you see]?
    What can I click?
    * What choices does the window give?
language of code
    [Which|What] programming language is [this|it]?
    [What|Which] language is the code [in|written in]?
    * In what language is this program?
function
    [What's|What is] the [function's|method's] name?
    How is the function called?
    What is the [name of the function|function called]?
    Which function is defined [here|]?
    * How is the function named?
setting is
    [So|And] {x} is {state}?
    Do I have {x} {state}?
    Is {x} {state} [now|at the moment|there]?
    Is {x} [turned|switched|] {state}?
    {x} is {state}, right?
    * Would {x} be {state}?
setting
    Do I have {x} on or off?
    Is {x} on or off?
    {x}: on or off?
    [And|What about] {x}?
    [What is|How is] {x} set [to|]?
    * What state is {x} in?
cell
    What is the {column} of {row}?
    [How much|What] is [given|listed] for {row} [under {column}|in {column}]?
    [Tell me|Give me] the {column} [for|of] {row}.
    {column} of {row}?
    * According to the table, what is the {column} of {row}?
most
    [Which|Who|What] has the [most|highest|largest] {column}?
    What is [highest|largest] [in {column}|by {column}]?
    [Which|What] [one|part|entry] has the [biggest|greatest] {column}?
    What [comes first|leads] [by|in] {column}?
    * Where is {column} greatest?
top
    [Which|What] [part|bar|slice|group] is the [largest|biggest|highest|longest]?
    What do most [people|of them|guests|pupils] [choose|like|use|prefer|have]?
    How do most [people|of them|guests] [travel|decide|pay|vote]?
    [Which|What] is [most common|most popular|number one|the top value]?
    * What is in front?
columns
    What [is|stands] in the [header|first row|top row] [of the table|]?
    [What|Which] columns [are there|does the table have]?
    * How are the columns named?
axis
    What [is on|does] the [x axis|y axis|axis] [show|]?
    [What is|Which unit is] measured [here|]?
    What are the [units|axis labels]?
    * What is plotted here?
bar
    [What number|Which value] [belongs to|stands for|is given for] {x}?
    And {x}?
    What is the value [for|of] {x}?
    How [many|much|high] is {x}?
    [How big|How large] is {x}?
    * What figure belongs to {x}?
bars
    [Which|What] [categories|bars|groups|parts] are [there|shown]?
    [List|Name] the [categories|groups].
    * What is compared [here|]?
num points
    [How many|What number of] [bullets|items] are [on the slide|there|listed]?
    How many [points|bullet points] [are there|are listed]?
    [Count|How many are] the points?
    * What number of points is listed?
step
    [Read|Tell me|Explain] step {n}.
    What is [the {nth} step|to be done in step {n}]?
    What is step {n}?
    What [do I do|comes] in step {n}?
    * Tell me the {nth} step.
how many steps
    [How many|What number of] steps [do I need|must I do|are listed|follow]?
    How many steps [are there|does it have]?
    * Count the steps.
needs
    [Tell me|List|What are] the ingredients.
    What [is|goes] in it?
    What is it made [of|from]?
    [What ingredients|Which ingredients] [do I need|are listed]?
    What do I need [for it|]?
    * What goes into it?
amount
    [What|Which] quantity of {x}?
    How much {x} [should I take|does it need|must I add]?
    {x}, how much?
    How much {x} [do I need|goes in|is needed]?
    What amount of {x}?
    * What quantity of {x} is called for?
weather
    [Tell me|And] the weather on {day}[ please|].
    What is the weather [like|] [on {day}|]?
    [How warm|How hot|What temperature] is it on {day}?
    * What is forecast for {day}?
contains
    Is {x} [in it|in there|inside|among the ingredients]?
    Does it have {x} [in it|]?
    [Any|Is there any] {x} [in this|in it|]?
    Does it contain {x}?
    Is there {x} in it?
    * Would I find {x} in it?
"""
)

# What a page does not state, in the answer that it was not found.
MISSING = {
    "net": "a net amount",
    "applicant": "the name of an applicant",
    "reward": "a reward",
    "room": "a price",
    "facility": "anything about that",
    "total": "a total",
    "date": "a date",
    "phone": "a phone number",
    "email": "an e-mail address",
    "address": "an address",
    "web": "a website",
    "from": "the name of a sender",
    "to": "the name of a recipient",
    "tax": "any tax",
    "paid how": "how it was paid",
    "due": "a due date",
    "page number": "a page number",
    "author": "the name of an author",
    "seat": "a seat",
    "entry": "a price",
    "hours": "opening hours",
    "shop": "the name of a shop",
    "code": "a code",
    "job": "a job title",
    "time": "a time",
    "until": "an end date",
}
