/** What the test and the process in the namespace tell each other. */

/** One command line of mauvesend. */
export interface Run {
  readonly argv: readonly string[];
  /** In place of `argv`, where the arguments are not UTF-8. */
  readonly argvHex?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What /etc/mauvealert/mauvesend.destination holds; without it there is none. */
  readonly destinationFile?: string;
  readonly noNameServer?: boolean;
}

export interface RunResult {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly packets: { to: string; hex: string }[];
  readonly queries: readonly string[];
  readonly milliseconds: number;
}
