/**
 * How long a regular expression can take at worst. Anybody who can send a
 * datagram chooses the texts that a policy's patterns are tried on, and some
 * patterns take years on the wrong text. So the ways in which one could match
 * are counted before it is taken: a backtracking matcher never tries more.
 *
 * The count is an upper bound, so a harmless pattern may be refused; the words
 * say how to write it otherwise. It must never let a dangerous one through.
 */

/** The longest text that most patterns meet, in characters: a summary. */
export const textMax = 1024;
/** Comparisons of a character: some hundredths of a second at worst, for one pattern and one text. */
const workMax = 32 * textMax * textMax;
/** In characters. */
export const patternMax = 512;

/**
 * Why a pattern is not taken, in words; null if it is.
 * @param body what stands between the slashes.
 * @param longest the longest text that it is tried on, in characters.
 */
export function patternFault(body: string, longest = textMax): string | null {
  if (body.length > patternMax) return `at most ${patternMax} characters are expected in a pattern`;
  try {
    new RegExp(body);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `is no valid pattern: ${(error.message.split(': ').at(-1) ?? '').toLowerCase()}`;
  }
  if (/\\[1-9k]/.test(body.replaceAll('\\\\', ''))) return 'a pattern may not refer back to its own groups';
  const { ways, length } = alternatives({ body, at: 0, longest });
  const starts = startsAtBeginning(body) ? 1 : longest;
  if (starts * ways * length <= workMax) return null;
  return (
    'this pattern could take too long on some texts: begin it with ^, use at most two of * and +, ' +
    'bound the others ({1,9}), repeat no group that has choices within, or write several tests'
  );
}

/** A pattern that does not begin at the beginning is tried from each character. */
const startsAtBeginning = (body: string): boolean => /^\^[^|]*$/.test(body);

type Cursor = { readonly body: string; at: number; readonly longest: number };

/** In how many ways a part of a pattern could match at one place, and how many characters it must compare for each. */
type Cost = { readonly ways: number; readonly length: number };

function alternatives(cursor: Cursor): Cost {
  let ways = 0;
  let length = 0;
  for (;;) {
    const branch = sequence(cursor);
    ways += branch.ways;
    length = Math.max(length, branch.length);
    if (cursor.body[cursor.at] !== '|') return { ways, length };
    cursor.at++;
  }
}

function sequence(cursor: Cursor): Cost {
  let ways = 1;
  let length = 1;
  for (;;) {
    const next = cursor.body[cursor.at];
    if (next === undefined || next === '|' || next === ')') return { ways, length };
    const part = repeated(atom(cursor), repetition(cursor));
    ways *= part.ways;
    length += part.length;
  }
}

/** Moves past one character, class or group; the pattern is known to be valid. */
function atom(cursor: Cursor): Cost {
  const { body } = cursor;
  const next = body[cursor.at];
  if (next === '(') {
    cursor.at += /^\((\?(:|<?[=!]|<[^>]*>))?/.exec(body.slice(cursor.at))?.[0].length ?? 1;
    const inside = alternatives(cursor);
    cursor.at++;
    return inside;
  }
  if (next === '[') cursor.at += /^\[(\\.|[^\]\\])*\]/s.exec(body.slice(cursor.at))?.[0].length ?? 1;
  else cursor.at += next === '\\' ? 2 : 1;
  return { ways: 1, length: 1 };
}

type Repetition = { readonly least: number; readonly most: number };

function repetition(cursor: Cursor): Repetition {
  const { longest } = cursor;
  const found = /^(?:[*+?]|\{(\d+)(,(\d*))?\})\??/.exec(cursor.body.slice(cursor.at));
  if (found === null) return { least: 1, most: 1 };
  cursor.at += found[0].length;
  switch (found[0].charAt(0)) {
    case '*':
      return { least: 0, most: longest };
    case '+':
      return { least: 1, most: longest };
    case '?':
      return { least: 0, most: 1 };
    default: {
      const least = Math.min(Number(found[1]), longest);
      if (found[2] === undefined) return { least, most: least };
      return { least, most: found[3] === '' ? longest : Math.min(Number(found[3]), longest) };
    }
  }
}

/** Every number of times is a way of its own; so is, each time, every way of what is repeated. */
function repeated(one: Cost, { least, most }: Repetition): Cost {
  const length = one.length * least;
  if (one.ways === 1) return { ways: most - least + 1, length };
  let ways = 0;
  for (let times = least; times <= most && ways <= workMax; times++) ways += one.ways ** times;
  return { ways, length };
}
