/**
 * From a policy file to a policy. What its files may say is in
 * policy/schema.ts, how they are put together in policy/parts.ts, whether their
 * names belong together in policy/names.ts, what they mean in
 * policy/compile.ts, and what is allowed but hardly meant in policy/lint.ts.
 *
 * A policy with a mistake gives no policy at all, only the places of its
 * mistakes: half a policy would forget somebody.
 */
import { createHash } from 'node:crypto';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Instant } from '../../time.ts';
import type { Policy } from '../core/policy.ts';
import { type ListFolder, listLocalFolder, type ReadFile, readLocalFile } from '../local-file.ts';
import { loadTemplates } from '../messages/templates.ts';
import { type FileFault, faultsMax } from '../yaml-file.ts';
import { checkReferences, compiled } from './compile.ts';
import type { FeedRef, Feeds } from './feeds.ts';
import { lint } from './lint.ts';
import { checkNames } from './names.ts';
import { type Disk, type Gathered, readParts } from './parts.ts';
import { openSources } from './references.ts';

/** What a policy was made from, whether or not it was one. */
type ReadFrom = {
  /** Absolute paths of its YAML files, the one that was named first. */
  readonly files: readonly string[];
  /** Calendars and lists that it refers to. */
  readonly feeds: readonly FeedRef[];
};

export type PolicyLoaded =
  | (ReadFrom & {
      readonly ok: true;
      readonly policy: Policy;
      /** What is allowed, but hardly meant. */
      readonly warnings: readonly FileFault[];
      /** Calendars and lists of which older content is in use, or none: a sentence each. */
      readonly problems: readonly string[];
    })
  | (ReadFrom & { readonly ok: false; readonly faults: readonly FileFault[] });

export type PolicyOptions = {
  /** Calendars are read from some weeks before until a year after. */
  readonly now: Instant;
  /** The content of calendars and lists; without it, files are read directly and addresses not at all. */
  readonly feeds?: Feeds;
  readonly read?: ReadFile;
  readonly list?: ListFolder;
};

/** So many warnings are told. */
export const warningsMax = 200;

/**
 * Reads a policy from files of this machine. Never throws for what is in them, or for their absence.
 * @param path also the name shown in faults.
 */
export function loadPolicy(path: string, options: PolicyOptions): PolicyLoaded {
  const file = (options.read ?? readLocalFile)(path);
  if (file.ok) return parsePolicy(path, file.text, options);
  const fault = { file: path, line: 1, column: 1, message: `the policy cannot be read: ${file.why}` };
  return { ok: false, faults: [fault], files: [], feeds: [] };
}

/** The policy that a text means; `file` is the name shown in faults, and what it includes is relative to it. */
export function parsePolicy(file: string, text: string, options: PolicyOptions): PolicyLoaded {
  const { now, feeds, read = readLocalFile, list = listLocalFolder } = options;
  const parts = readParts(file, text, { read, list });
  const { gathered, files } = parts;
  if (gathered === null) return { ok: false, faults: told(parts.faults, faultsMax), files, feeds: [] };
  const templates = templatesIn(gathered, { read, list });
  const wrong = [...parts.faults, ...checkNames(gathered), ...templates.faults];
  const sources = openSources(now, feeds ?? null, read);
  if (wrong.length > 0) {
    checkReferences(gathered, sources);
    return { ok: false, faults: told([...wrong, ...sources.faults], faultsMax), files, feeds: [] };
  }
  const meant = compiled(gathered, sources);
  const refs = [...sources.refs.values()];
  if (sources.faults.length > 0) {
    return { ok: false, faults: told(sources.faults, faultsMax), files, feeds: refs };
  }
  // Templates change no meaning: what is owed, and to whom, stays as it was.
  const policy = { version: versionOf(parts.texts, sources.texts), ...meant, templates: templates.texts };
  const warnings = [...parts.warnings, ...sources.warnings, ...lint(gathered, policy, now)];
  return {
    ok: true,
    policy,
    warnings: told(warnings, warningsMax),
    problems: [...sources.problems],
    files,
    feeds: refs,
  };
}

const noTemplates: ReadonlyMap<string, string> = new Map();

function templatesIn({ templates: placed }: Gathered, disk: Disk): ReturnType<typeof loadTemplates> {
  if (placed === null) return { texts: noTemplates, faults: [] };
  const { written, folder, fault } = placed;
  const at = fault([], '');
  return loadTemplates(
    {
      path: resolve(folder, written),
      shown: isAbsolute(written) ? written : join(dirname(at.file), written),
      at,
    },
    disk,
  );
}

/** In the order in which a person would meet them, file by file. */
function told(faults: readonly FileFault[], most: number): readonly FileFault[] {
  const files = [...new Set(faults.map(({ file }) => file))];
  return [...faults]
    .sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column)
    .slice(0, most);
}

const versionLength = 16;

function versionOf(texts: readonly string[], feeds: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text);
  for (const [ref, text] of [...feeds].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(ref).update(text);
  return hash.digest('hex').slice(0, versionLength);
}
