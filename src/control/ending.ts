/** How a command ends: exit codes after sysexits, and what it has to say. */

export const exit = {
  refused: 1,
  usage: 64,
  data: 65,
  noInput: 66,
  unavailable: 69,
  io: 74,
  /** Not yet, but perhaps later. */
  late: 75,
  config: 78,
  interrupted: 130,
} as const;

/** A reason to end: lines for stderr, mostly one. */
export class Refusal extends Error {
  readonly code: number;
  readonly lines: readonly string[];
  constructor(code: number, ...lines: readonly string[]) {
    super(lines.join('; '));
    this.code = code;
    this.lines = lines;
  }
}

/** What came of a command that said all it had to say. */
export type Done = {
  /** For stdout. */
  readonly text: string;
  /** Whole lines for stderr: places in files, which editors follow. */
  readonly places?: readonly string[];
  /** 0 where it is absent. */
  readonly code?: number;
  /** What to do where nobody could be told. @returns what that was, in words. */
  readonly untold?: () => Promise<string>;
};

export const silently: Done = { text: '' };
