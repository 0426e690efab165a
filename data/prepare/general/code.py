"""Short programs in Python and JavaScript that do what is asked; tests run the Python ones."""

# Task: Python, JavaScript.
TASKS: dict[str, tuple[str, str]] = {
    "reverses a string": (
        "def reverse(text):\n    return text[::-1]",
        'function reverse(text) {\n  return text.split("").reverse().join("");\n}',
    ),
    "adds two numbers": (
        "def add(a, b):\n    return a + b",
        "function add(a, b) {\n  return a + b;\n}",
    ),
    "multiplies two numbers": (
        "def multiply(a, b):\n    return a * b",
        "function multiply(a, b) {\n  return a * b;\n}",
    ),
    "returns the largest number of a list": (
        "def largest(numbers):\n    return max(numbers)",
        "function largest(numbers) {\n  return Math.max(...numbers);\n}",
    ),
    "returns the smallest number of a list": (
        "def smallest(numbers):\n    return min(numbers)",
        "function smallest(numbers) {\n  return Math.min(...numbers);\n}",
    ),
    "sums a list": (
        "def total(numbers):\n    return sum(numbers)",
        "function total(numbers) {\n  return numbers.reduce((a, b) => a + b, 0);\n}",
    ),
    "computes the mean of a list": (
        "def mean(numbers):\n    return sum(numbers) / len(numbers)",
        "function mean(numbers) {\n  const total = numbers.reduce((a, b) => a + b, 0);\n"
        "  return total / numbers.length;\n}",
    ),
    "checks whether a number is even": (
        "def is_even(n):\n    return n % 2 == 0",
        "function isEven(n) {\n  return n % 2 === 0;\n}",
    ),
    "checks whether a number is odd": (
        "def is_odd(n):\n    return n % 2 == 1",
        "function isOdd(n) {\n  return Math.abs(n % 2) === 1;\n}",
    ),
    "checks whether a word is a palindrome": (
        "def is_palindrome(word):\n    return word == word[::-1]",
        'function isPalindrome(word) {\n  return word === word.split("").reverse().join("");\n}',
    ),
    "counts the vowels of a word": (
        'def count_vowels(word):\n    return sum(c in "aeiou" for c in word.lower())',
        "function countVowels(word) {\n  return (word.match(/[aeiou]/gi) || []).length;\n}",
    ),
    "counts the words of a text": (
        "def count_words(text):\n    return len(text.split())",
        "function countWords(text) {\n  return text.trim().split(/\\s+/).length;\n}",
    ),
    "computes the factorial of a number": (
        "def factorial(n):\n    return 1 if n < 2 else n * factorial(n - 1)",
        "function factorial(n) {\n  return n < 2 ? 1 : n * factorial(n - 1);\n}",
    ),
    "sorts a list of numbers": (
        "def sort_numbers(numbers):\n    return sorted(numbers)",
        "function sortNumbers(numbers) {\n  return [...numbers].sort((a, b) => a - b);\n}",
    ),
    "removes duplicates from a list": (
        "def unique(items):\n    return list(dict.fromkeys(items))",
        "function unique(items) {\n  return [...new Set(items)];\n}",
    ),
    "turns a text into capital letters": (
        "def upper(text):\n    return text.upper()",
        "function upper(text) {\n  return text.toUpperCase();\n}",
    ),
    "returns the last element of a list": (
        "def last(items):\n    return items[-1]",
        "function last(items) {\n  return items[items.length - 1];\n}",
    ),
    "squares every number of a list": (
        "def squares(numbers):\n    return [n * n for n in numbers]",
        "function squares(numbers) {\n  return numbers.map(n => n * n);\n}",
    ),
    "keeps the positive numbers of a list": (
        "def positive(numbers):\n    return [n for n in numbers if n > 0]",
        "function positive(numbers) {\n  return numbers.filter(n => n > 0);\n}",
    ),
    "converts Celsius to Fahrenheit": (
        "def to_fahrenheit(celsius):\n    return celsius * 9 / 5 + 32",
        "function toFahrenheit(celsius) {\n  return celsius * 9 / 5 + 32;\n}",
    ),
    "prints the numbers from 1 to 10": (
        "for n in range(1, 11):\n    print(n)",
        "for (let n = 1; n <= 10; n++) {\n  console.log(n);\n}",
    ),
    "prints Hello World": ('print("Hello, World!")', 'console.log("Hello, World!");'),
    "joins two lists": (
        "def join(a, b):\n    return a + b",
        "function join(a, b) {\n  return [...a, ...b];\n}",
    ),
    "reverses a list": (
        "def reverse(items):\n    return items[::-1]",
        "function reverse(items) {\n  return [...items].reverse();\n}",
    ),
    "checks whether a number is prime": (
        "def is_prime(n):\n    return n > 1 and all(n % i for i in range(2, int(n**0.5) + 1))",
        "function isPrime(n) {\n  for (let i = 2; i * i <= n; i++) {\n"
        "    if (n % i === 0) return false;\n  }\n  return n > 1;\n}",
    ),
    "repeats a word three times": (
        "def three_times(word):\n    return word * 3",
        "function threeTimes(word) {\n  return word.repeat(3);\n}",
    ),
    "returns the length of a string": (
        "def length(text):\n    return len(text)",
        "function length(text) {\n  return text.length;\n}",
    ),
    "computes the area of a circle": (
        "import math\n\ndef area(radius):\n    return math.pi * radius ** 2",
        "function area(radius) {\n  return Math.PI * radius ** 2;\n}",
    ),
}
ASKED = (
    "Write a {l} function that {t}.",
    "How do I write a {l} function that {t}?",
    "Give me {l} code that {t}.",
    "Can you write a {l} function which {t}?",
    "{l}: a function that {t}, please",
    "I need a small {l} program that {t}.",
)
NAMES = ("Python", "JavaScript")
