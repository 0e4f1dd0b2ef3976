/**
 * Names of hosts with stars, classes and ranges: `*.example.com`,
 * `[a-c].example.com`, `app1..10.example.com`.
 *
 * A range or class of a moderate size is written out into its names, so that
 * their addresses can be looked up like those of any other name; what is larger,
 * or has a star, becomes a pattern. It must never give a pattern that some name
 * could make slow: so there are few stars in a label, and no star crosses a dot.
 */

/** The most names that one entry is written out to. */
export const writtenOutMax = 1000;
/** In one label; each multiplies the places at which a name could match. */
const starsMax = 2;
/** Of a number in a range. */
const digitsMax = 9;

export type NamePart =
  | { readonly kind: 'text'; readonly text: string }
  /** Any number of characters other than a dot, none included. */
  | { readonly kind: 'star' }
  | { readonly kind: 'class'; readonly characters: readonly string[] }
  /** Both ends included, each number written with that many digits at least. */
  | { readonly kind: 'range'; readonly from: number; readonly to: number; readonly digits: number };

type Fault = { readonly ok: false; readonly why: string };
const fault = (why: string): Fault => ({ ok: false, why });

/** @param name folded. */
export function parseName(name: string): { readonly ok: true; readonly parts: readonly NamePart[] } | Fault {
  const parts: NamePart[] = [];
  let rest = name;
  while (rest !== '') {
    const next = parsePart(rest);
    if (!next.ok) return next;
    parts.push(next.part);
    rest = rest.slice(next.length);
  }
  const why = labelsFault(parts);
  return why === null ? { ok: true, parts } : fault(why);
}

/** All names that the parts stand for; null where there is a star, or there are more than `writtenOutMax`. */
export function writtenOut(parts: readonly NamePart[]): readonly string[] | null {
  const count = parts.reduce((product, part) => product * sizeOf(part), 1);
  if (count > writtenOutMax) return null;
  return parts.reduce<readonly string[]>(
    (names, part) => names.flatMap((name) => textsOf(part).map((text) => name + text)),
    [''],
  );
}

/** Matches the whole of a folded name. */
export function namePattern(parts: readonly NamePart[]): RegExp {
  return new RegExp(`^${parts.map(sourceOf).join('')}$`);
}

type Parsed = { readonly ok: true; readonly part: NamePart; readonly length: number } | Fault;

function parsePart(rest: string): Parsed {
  const range = /^(\d+)\.\.(\d+)/.exec(rest);
  if (range !== null) return parseRange(range[0], range[1] ?? '', range[2] ?? '');
  if (rest.startsWith('*')) return { ok: true, part: { kind: 'star' }, length: 1 };
  if (rest.startsWith('[')) return parseClass(rest);
  // Digits go together: only after all of them is it clear whether they begin a range.
  const text = /^(\d+|\.|[\p{L}\p{M}_-]+|\p{N})/u.exec(rest)?.[0];
  if (text !== undefined) return { ok: true, part: { kind: 'text', text }, length: text.length };
  return fault(characterFault(String.fromCodePoint(rest.codePointAt(0) ?? 0)));
}

function characterFault(character: string): string {
  if (character === '?') return 'there is no ?: write * for any characters, or [a-z] for one of these';
  if (character === ']') return 'this ] has no [';
  return `a name has letters, digits, - and _, but no "${character}": other texts are matched by a /regular expression/`;
}

function parseRange(whole: string, from: string, to: string): Parsed {
  if (from.length > digitsMax || to.length > digitsMax) {
    return fault(`at most ${digitsMax} digits are expected in the numbers of a range`);
  }
  const padded = [from, to].some((digits) => digits.length > 1 && digits.startsWith('0'));
  if (padded && from.length !== to.length) {
    return fault('with leading zeros, both ends of a range need as many digits: 01..10');
  }
  if (Number(from) > Number(to)) return fault(`the smaller number comes first: ${to}..${from}`);
  return {
    ok: true,
    part: { kind: 'range', from: Number(from), to: Number(to), digits: padded ? from.length : 1 },
    length: whole.length,
  };
}

function parseClass(rest: string): Parsed {
  const written = /^\[([^\]]*)\]/.exec(rest)?.[1];
  if (written === undefined) return fault('this [ has no ]');
  if (!/^[a-z0-9_-]+$/.test(written)) {
    return fault('between [ and ] letters a to z, digits, _ and - are expected, such as [a-c] or [135]');
  }
  const characters = new Set<string>();
  for (const [, from, to, one] of written.matchAll(/(.)-(.)|(.)/g)) {
    if (from === undefined || to === undefined) {
      characters.add(one ?? '');
      continue;
    }
    if (from > to || !/^([a-z]{2}|[0-9]{2})$/.test(from + to)) {
      return fault(`"${from}-${to}" is no range of characters: write such as [a-c], [0-9] or [a-z0-9]`);
    }
    for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) {
      characters.add(String.fromCharCode(code));
    }
  }
  return { ok: true, part: { kind: 'class', characters: [...characters] }, length: written.length + 2 };
}

/** What is wrong with the labels, that is with what stands between dots. */
function labelsFault(parts: readonly NamePart[]): string | null {
  let stars = 0;
  let empty = true;
  for (const part of parts) {
    if (part.kind === 'text' && part.text === '.') {
      if (empty) return 'there is nothing before a dot: a name such as db1.example.com is expected';
      stars = 0;
      empty = true;
      continue;
    }
    empty = false;
    if (part.kind === 'star' && ++stars > starsMax)
      return `at most ${starsMax} * are expected between two dots`;
  }
  return empty ? 'there is nothing after the last dot: a name such as db1.example.com is expected' : null;
}

function sizeOf(part: NamePart): number {
  switch (part.kind) {
    case 'text':
      return 1;
    case 'star':
      return Number.POSITIVE_INFINITY;
    case 'class':
      return part.characters.length;
    case 'range':
      return part.to - part.from + 1;
  }
}

function textsOf(part: NamePart): readonly string[] {
  switch (part.kind) {
    case 'text':
      return [part.text];
    case 'star':
      throw new Error('a star stands for no list of names');
    case 'class':
      return part.characters;
    case 'range':
      return Array.from({ length: sizeOf(part) }, (_, index) => written(part.from + index, part.digits));
  }
}

type Range = Extract<NamePart, { kind: 'range' }>;

const written = (number: number, digits: number): string => String(number).padStart(digits, '0');

function sourceOf(part: NamePart): string {
  switch (part.kind) {
    case 'text':
      return part.text.replaceAll('.', '\\.');
    case 'star':
      return '[^.]*';
    case 'class':
      return `[${part.characters.join('').replace('-', '\\-')}]`;
    case 'range':
      return `(?:${rangeSource(part)})`;
  }
}

/** The numbers of a range as a pattern, for each number of digits. */
function rangeSource({ from, to, digits }: Range): string {
  const branches: string[] = [];
  let low = from;
  while (low <= to) {
    const first = written(low, digits);
    const high = Math.min(to, 10 ** first.length - 1);
    branches.push(digitsSource(first, written(high, digits)));
    low = high + 1;
  }
  return branches.join('|');
}

/** Numbers from `low` to `high`, which have as many digits. */
function digitsSource(low: string, high: string): string {
  if (low === high) return low;
  if (low.length === 1) return `[${low}-${high}]`;
  // Without this, the pattern would be twice as long for each digit.
  if (/^0+$/.test(low) && /^9+$/.test(high)) return `[0-9]{${low.length}}`;
  const rest = low.length - 1;
  const [first, last] = [Number(low[0]), Number(high[0])];
  if (first === last) return `${first}(?:${digitsSource(low.slice(1), high.slice(1))})`;
  const branches = [`${first}(?:${digitsSource(low.slice(1), '9'.repeat(rest))})`];
  if (last - first > 1) branches.push(`[${first + 1}-${last - 1}][0-9]{${rest}}`);
  branches.push(`${last}(?:${digitsSource('0'.repeat(rest), high.slice(1))})`);
  return branches.join('|');
}
