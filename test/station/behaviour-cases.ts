/**
 * What was recorded of the original, by name, and which of our test files holds
 * each area of it. Each file asks for its cases here, so that one that nobody
 * took is missed.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Said } from '../kit/station.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type Step = {
  t: number;
  op: string;
  source?: string;
  id?: string;
  alerts?: Said[];
  replace?: boolean;
  transmission_time?: number;
  received_fraction?: number;
  person?: string;
  list?: string;
  until?: number;
  fields?: { suppress_until?: number; will_raise_at?: number; subject?: string };
  /** Of a local clock. */
  at?: string;
  hours?: number;
  type?: string;
  kind?: string;
  during?: Json;
  after?: number;
  alert?: boolean;
  input?: string;
  of?: number;
};

export type Expected = {
  after_step: number;
  triggers?: number;
  notified?: string[] | undefined;
  notified_count?: number;
  history_count?: number;
  alert_count?: number;
  pending_reminders?: number[];
  alert?: Record<string, Json>;
  alerts?: Record<string, Record<string, Json>>;
  local?: string;
  is?: boolean;
  now?: boolean;
  next?: string | null;
  text?: string;
  /** Of what was sent. */
  id?: string;
  source?: string;
  summary?: string;
  detail?: string;
  raise?: number;
  clear?: number;
  replace?: boolean;
  transmission_time?: number;
  sent_alerts?: { raise: number | null; clear: number | null }[];
};

export type Clause = { who: string | string[]; every?: number; during?: Json };

export type Case = {
  area: string;
  name: string;
  given: {
    tz?: string;
    start?: string;
    note?: string;
    calendar?: Partial<Record<string, [from: number, to: number | null, names: string[]][]>> & {
      bank_holidays?: string[];
    };
    config?: {
      people?: Record<
        string,
        {
          email?: string;
          notify?: Omit<Clause, 'who'>[];
          suppress_after?: [count: number, seconds: number][];
          notify_when_on_holiday?: boolean;
          notify_when_off_sick?: boolean;
        }
      >;
      people_lists?: Record<string, { members: string[]; notify?: Omit<Clause, 'who'>[] }>;
      groups?: { name: string; level?: string; match?: Record<string, string>; notify?: Clause[] }[];
      settings?: { initial_sleep?: number };
    };
  };
  steps: Step[];
  expect: Expected[];
  executable: boolean;
};

export const cases = JSON.parse(
  readFileSync(new URL('../vectors/behaviour.json', import.meta.url), 'utf8'),
) as readonly Case[];

/** Each area is one file's: that file takes all of it. */
export const filesOfAreas: Readonly<Record<string, string>> = {
  'alert-update': 'station/behaviour.test.ts',
  'alert-lifecycle': 'station/behaviour.test.ts',
  suppression: 'station/behaviour.test.ts',
  notification: 'station/behaviour.test.ts',
  reminder: 'station/behaviour.test.ts',
  heartbeat: 'station/behaviour.test.ts',
  'person-rate-limit': 'policy/behaviour-people.test.ts',
  'people-list': 'policy/behaviour-people.test.ts',
  'in-x-hours': 'policy/behaviour-hours.test.ts',
  hours: 'policy/behaviour-hours.test.ts',
  during: 'policy/behaviour-hours.test.ts',
  'source-list': 'sources/behaviour.test.ts',
  text: 'policy/behaviour-words.test.ts',
  sender: 'policy/behaviour-words.test.ts',
  config: 'policy/behaviour-words.test.ts',
};

/** The cases of one test file, each of which it must take by its name. */
export class Taken {
  private readonly left: Map<string, Case>;

  constructor(file: string) {
    const own = cases.filter(({ area }) => filesOfAreas[area] === file);
    this.left = new Map(own.map((one) => [one.name, one]));
  }

  /** Those of these areas that can be replayed as they stand. */
  executable(...areas: readonly string[]): readonly Case[] {
    return [...this.left.values()].filter((one) => one.executable && areas.includes(one.area));
  }

  take(name: string): Case {
    const found = this.left.get(name);
    if (found === undefined) throw new Error(`no such case, or taken already: ${name}`);
    this.left.delete(name);
    return found;
  }

  /** At the end of the file, once all tests are declared. */
  assertNoneLeft(): void {
    assert.deepEqual([...this.left.keys()], []);
  }
}

/** An expectation by the step that it follows. */
export function expectedAfter(one: Case, index: number): Expected | undefined {
  return one.expect.find((expected) => expected.after_step === index);
}
