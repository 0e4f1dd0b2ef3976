/**
 * What clocks on walls show, minute by minute: the naive way to know when hours
 * are open. Each zone's offset is asked of Intl for every quarter of an hour,
 * and each kind of hours becomes one bit for each minute of the simulated time.
 *
 * It shares nothing with the station's own arithmetic, on purpose.
 */

export const minuteLong = 60_000;
const quarter = 15;

/** The minutes from `from` (a whole minute) on. */
export class Minutes {
  readonly from: number;
  readonly count: number;
  private readonly offsets = new Map<string, Int16Array>();

  constructor(from: number, until: number) {
    this.from = Math.floor(from / (quarter * minuteLong)) * quarter * minuteLong;
    this.count = Math.ceil((until - this.from) / minuteLong / quarter) * quarter;
  }

  index(at: number): number {
    return Math.floor((at - this.from) / minuteLong);
  }

  /** One bit a minute; `open` is asked with the day (since 1970) and the minute of that day that the wall shows. */
  bits(timezone: string, open: (day: number, minute: number) => boolean): Uint8Array {
    const offsets = this.offsetsOf(timezone);
    const bits = new Uint8Array(this.count);
    const first = this.from / minuteLong;
    for (let i = 0; i < this.count; i++) {
      const wall = first + i + (offsets[Math.floor(i / quarter)] ?? 0);
      bits[i] = open(Math.floor(wall / 1440), ((wall % 1440) + 1440) % 1440) ? 1 : 0;
    }
    return bits;
  }

  /** In minutes to be added to UTC. */
  private offsetsOf(timezone: string): Int16Array {
    const known = this.offsets.get(timezone);
    if (known !== undefined) return known;
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone: timezone,
      hourCycle: 'h23',
      ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
    });
    const offsets = new Int16Array(this.count / quarter);
    for (let i = 0; i < offsets.length; i++) {
      const at = this.from + i * quarter * minuteLong;
      const [day, month, year, hour, minute] = format.format(at).match(/\d+/g)?.map(Number) ?? [];
      const wall = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute);
      offsets[i] = (wall - at) / minuteLong;
    }
    this.offsets.set(timezone, offsets);
    return offsets;
  }
}

/** 1 = Monday … 7 = Sunday. Day 0, 1970-01-01, was a Thursday. */
export const weekday = (day: number): number => ((((day + 3) % 7) + 7) % 7) + 1;
