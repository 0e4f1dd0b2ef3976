/** Text for a terminal: tables whose last column is wrapped, within a width that every terminal has. */

export const widthMax = 80;
/** A last column narrower than this is not worth wrapping. */
const leastLast = 20;

/** Lines of cells under each other; every column but the last as wide as its widest cell. A row of one is a heading. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const full = rows.filter((row) => row.length > 1);
  const widths = Array.from({ length: columns - 1 }, (_, column) =>
    Math.max(...full.map((row) => width(row[column] ?? ''))),
  );
  const before = indent.length + widths.reduce((sum, one) => sum + one + 2, 0);
  const room = Math.max(leastLast, widthMax - before);
  return rows
    .map((row) => {
      if (row.length === 1) return `${indent}${row[0]}\n`;
      const cells = widths.map((size, column) => pad(row[column] ?? '', size));
      const [first = '', ...rest] = wrapped(row[columns - 1] ?? '', room);
      const head = `${indent}${[...cells, first].join('  ')}`.trimEnd();
      return [head, ...rest.map((line) => `${' '.repeat(before)}${line}`)].join('\n').concat('\n');
    })
    .join('');
}

/** Words on lines of at most `room`; a longer word has a line of its own. */
export function wrapped(text: string, room: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && width(longer) > room) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

const width = (text: string): number => [...text].length;
const pad = (text: string, size: number): string => text + ' '.repeat(Math.max(0, size - width(text)));
