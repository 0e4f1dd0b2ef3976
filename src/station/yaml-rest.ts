/**
 * What is right in a file of which something is wrong, so that whoever made
 * several mistakes hears of all of them at once: what a schema refuses is left
 * out, piece by piece and never more than needed, until it takes the rest.
 *
 * The rest is for looking for further faults only. Nothing may be done by it:
 * half of what somebody wrote is not what they meant.
 */
import type { output, ZodType, z } from 'zod';

type Path = readonly PropertyKey[];
type Container = unknown[] | Record<PropertyKey, unknown>;

export type Rest<T> = {
  readonly value: T;
  /** Where in the file something of the rest is: entries of lists move up when one before them is left out. */
  readonly written: (path: Path) => Path;
  /** Whether all that is written there could be taken. */
  readonly isWhole: (path: Path) => boolean;
};

/** Each takes out what is wrong then; what holds it is wrong next, where it cannot be without. */
const roundsMax = 16;

/**
 * @param pathOf where the faults of an issue lie.
 * @returns null where nothing of it can be taken.
 */
export function soundRest<Schema extends ZodType>(
  content: unknown,
  schema: Schema,
  pathsOf: (issue: z.core.$ZodIssue, content: unknown) => readonly Path[],
): Rest<output<Schema>> | null {
  const copy = structuredClone(content);
  const places = new WeakMap<Container, readonly number[]>();
  const written = (path: Path): Path => {
    let value: unknown = copy;
    return path.map((key) => {
      const own = isContainer(value) && typeof key === 'number' ? places.get(value)?.[key] : undefined;
      value = isContainer(value) ? Reflect.get(value, key) : undefined;
      return own ?? key;
    });
  };
  const left: Path[] = [];
  for (let round = 1; round <= roundsMax; round++) {
    const checked = schema.safeParse(copy);
    if (checked.success) {
      return {
        value: checked.data,
        written,
        isWhole: (path) => !left.some((one) => path.every((key, depth) => one[depth] === key)),
      };
    }
    const wrong = checked.error.issues
      .flatMap((issue) => pathsOf(issue, copy))
      .map((path) => held(copy, path));
    if (wrong.some((path) => path.length === 0)) return null;
    left.push(...wrong.map(written));
    leaveOut(copy, wrong, places);
  }
  return null;
}

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** The path as far as there is something. What is missing makes wrong what it is missing from. */
function held(content: unknown, path: Path): Path {
  let value = content;
  for (const [depth, key] of path.entries()) {
    // One value may be written where a list of them may.
    if (!isContainer(value)) return path.slice(0, depth);
    if (!Object.hasOwn(value, key)) return path.slice(0, depth);
    value = Reflect.get(value, key);
  }
  return path;
}

function leaveOut(
  content: unknown,
  paths: readonly Path[],
  places: WeakMap<Container, readonly number[]>,
): void {
  const shortened = new Map<unknown[], Set<number>>();
  for (const path of paths) {
    const key = path.at(-1);
    let holder = content;
    for (const step of path.slice(0, -1))
      holder = isContainer(holder) ? Reflect.get(holder, step) : undefined;
    if (Array.isArray(holder)) {
      const gone = shortened.get(holder) ?? new Set();
      shortened.set(holder, gone.add(Number(key)));
    } else if (isContainer(holder) && key !== undefined) Reflect.deleteProperty(holder, key);
  }
  for (const [list, gone] of shortened) {
    const known = places.get(list) ?? list.map((_, index) => index);
    places.set(
      list,
      known.filter((_, index) => !gone.has(index)),
    );
    const kept = list.filter((_, index) => !gone.has(index));
    list.splice(0, list.length, ...kept);
  }
}
