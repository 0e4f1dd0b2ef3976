/**
 * The table on a terminal, as text: pure, so that a test can read it. What is
 * wrong comes first, and what does not fit is left out from the right.
 */
import type { VerdictName } from './core/judge.ts';
import type { Summary } from './core/statistics.ts';
import { percentages } from './watched.ts';

export type Row = {
  readonly target: string;
  readonly address: string;
  /** Asked only for what is shown: of thousands it takes long. */
  readonly summary: () => Summary;
  /** The last hop of the latest trace; null: none yet. */
  readonly hops: number | null;
  readonly end: string;
  readonly verdicts: readonly VerdictName[];
};

export type View = {
  readonly rows: readonly Row[];
  /** Why targets lead nowhere, and what the engine or the log say: one line each. */
  readonly notes: readonly string[];
  readonly columns: number;
  /** Null: as many lines as there are. */
  readonly lines: number | null;
};

type Column = {
  readonly head: string;
  readonly left?: boolean;
  readonly cell: (row: Shown) => string;
};

type Shown = Omit<Row, 'summary'> & { readonly summary: Summary };

const count = (value: number): string => String(value);
const percent = (value: number): string => `${value.toFixed(value > 0 && value < 10 ? 1 : 0)}%`;
const delay = (rtt: number | null): string => (rtt === null ? '-' : rtt.toFixed(rtt < 100 ? 2 : 1));

/** In the order of the table that people know from meshping; hops and verdict after it, where there is room. */
const figures: readonly Column[] = [
  { head: 'Sent', cell: ({ summary }) => count(summary.sent) },
  { head: 'Recv', cell: ({ summary }) => count(summary.recv) },
  { head: 'Errs', cell: ({ summary }) => count(summary.errs) },
  { head: 'Outd', cell: ({ summary }) => count(summary.outd) },
  { head: 'Loss', cell: ({ summary }) => percent(percentages(summary).loss) },
  { head: 'Err', cell: ({ summary }) => percent(percentages(summary).err) },
  { head: 'Outd', cell: ({ summary }) => percent(percentages(summary).outd) },
  { head: 'Avg', cell: ({ summary }) => delay(summary.avg) },
  { head: 'Min', cell: ({ summary }) => delay(summary.min) },
  { head: 'Max', cell: ({ summary }) => delay(summary.max) },
  { head: 'Last', cell: ({ summary }) => delay(summary.last) },
];
const path: readonly Column[] = [
  {
    head: 'Hops',
    cell: ({ hops, end }) => (hops === null ? '-' : end === 'reached' ? count(hops) : `${hops}*`),
  },
  { head: 'Verdict', left: true, cell: ({ verdicts, end }) => verdictCell(verdicts, end) },
];

function verdictCell(verdicts: readonly VerdictName[], end: string): string {
  if (verdicts.length > 0) return verdicts.join(', ');
  return end === '' || end === 'reached' ? 'ok' : `trace: ${end}`;
}

const targetMin = 12;
const gap = 2;

const named: Column = {
  head: 'Target',
  left: true,
  cell: ({ target, address }) => (target === address ? target : `${target} (${address})`),
};

/** Lines of the table, none longer than the terminal is wide. */
export function tableLines(view: View): readonly string[] {
  const { columns, lines } = view;
  const rows = [...view.rows].sort((a, b) => Number(b.verdicts.length > 0) - Number(a.verdicts.length > 0));
  const notes = view.notes.map((note) => cut(clean(note), columns));
  const room = lines === null ? rows.length : Math.max(1, lines - 2 - Math.min(notes.length, lines / 3));
  const shown = rows.length > room ? rows.slice(0, room - 1) : rows;
  const table = tabled(shown, columns);
  const more = rows.length - shown.length;
  if (more > 0) table.push(cut(`… and ${more} more`, columns));
  const all = [...table, ...notes];
  return lines === null ? all : all.slice(0, Math.max(1, lines - 1));
}

function tabled(all: readonly Row[], width: number): string[] {
  const rows = all.map((row): Shown => ({ ...row, summary: row.summary() }));
  const cells = [...figures, ...path].map((column) => {
    const texts = rows.map((row) => clean(column.cell(row)));
    return { column, texts, width: Math.max(column.head.length, ...texts.map((text) => text.length)) };
  });
  const names = rows.map((row) => clean(named.cell(row)));
  const nameWidth = Math.max(targetMin, named.head.length, ...names.map((name) => name.length));
  const needed = (count: number): number =>
    cells.slice(0, count).reduce((sum, cell) => sum + gap + cell.width, 0);
  let kept = cells.length;
  // Names give way first, then columns from the right.
  while (kept > 0 && targetMin + needed(kept) > width) kept -= 1;
  const target = Math.min(nameWidth, Math.max(targetMin, width - needed(kept)));
  const lineOf = (name: string, text: (cell: (typeof cells)[number]) => string): string => {
    const rest = cells.slice(0, kept).map((cell) => {
      const value = text(cell);
      return ' '.repeat(gap) + (cell.column.left ? value.padEnd(cell.width) : value.padStart(cell.width));
    });
    return cut(`${cut(name, target).padEnd(target)}${rest.join('')}`.trimEnd(), width);
  };
  return [
    lineOf(named.head, ({ column }) => column.head),
    ...names.map((name, index) => lineOf(name, ({ texts }) => texts[index] ?? '')),
  ];
}

const cut = (text: string, width: number): string =>
  text.length <= width ? text : width <= 1 ? text.slice(0, width) : `${text.slice(0, width - 1)}…`;

/** A terminal does what control characters say; nothing here has any business to tell it. */
const clean = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
