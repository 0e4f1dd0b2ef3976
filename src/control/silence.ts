/**
 * `mauvectl silence`: made, listed and ended through the running station, over
 * its HTTP interface, so that they are judged and recorded as those of the web
 * page are. Without a token, one is made for the moment of the call, which
 * takes the right to write to the station's data folder, and removed again.
 */
import { parse as parseYamlText, YAMLParseError } from 'yaml';
import * as z from 'zod';
import {
  formatDuration,
  type Instant,
  instant,
  minutes,
  plus,
  seconds,
  since,
  systemClock,
} from '../time.ts';
import { askStation, read, type StationPlace, withToken } from './ask.ts';
import { type Done, exit, Refusal } from './ending.ts';
import type { SilenceCommand } from './options.ts';
import { table } from './table.ts';

/** A silence that ends so much before it was to was cut short; clocks of two machines may differ by less. */
const cutLeast = minutes(5);
/** @throws Refusal with what the station said, or why none answered. */
export async function silenceCommand(command: SilenceCommand, place: StationPlace): Promise<Done> {
  const match = command.kind === 'silence add' ? matchOf(command) : {};
  return await withToken(command.tokenFile, place, async (token) => {
    const ask = (path: string, body?: object): Promise<unknown> =>
      askStation({ page: place.page, token, path: `/silences${path}`, knows: 'silences' }, body);
    switch (command.kind) {
      case 'silence add': {
        const { reason } = command;
        const made = read(silenceSchema, await ask('', { match, for: formatDuration(command.for), reason }));
        const asked = plus(systemClock.now(), command.for);
        const cut = since(instant(Date.parse(made.until)), asked) > cutLeast;
        const remark = cut ? ', which is as long as the policy allows' : '';
        return { text: `silence ${made.id} until ${made.until}${remark}\n` };
      }
      case 'silence list': {
        const answer = await ask('');
        return { text: command.json ? `${JSON.stringify(answer)}\n` : listText(read(listSchema, answer)) };
      }
      case 'silence end':
        await ask(`/${command.id}/end`, {});
        return { text: '' };
      default:
        return command satisfies never;
    }
  });
}

// ---------------------------------------------------------------- what is asked

/** What the options say, and what --match says besides. */
function matchOf(command: Extract<SilenceCommand, { kind: 'silence add' }>): object {
  const { importance, ...texts } = command.match;
  const fields = { ...texts, ...(importance === undefined ? {} : { importance: Number(importance) }) };
  if (command.matchText === null) return fields;
  const written = yamlOf(command.matchText);
  if (typeof written !== 'object' || written === null || Array.isArray(written)) {
    throw new Refusal(
      exit.usage,
      '--match: a mapping such as \'{source: backup, id: "disk-*"}\' is expected',
    );
  }
  const twice = Object.keys(fields).find((key) => Object.hasOwn(written, key));
  if (twice !== undefined)
    throw new Refusal(exit.usage, `${twice} stands in --match and in --${twice}: once is expected`);
  return { ...written, ...fields };
}

function yamlOf(text: string): unknown {
  try {
    return parseYamlText(text);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new Refusal(exit.usage, `--match is no valid YAML: ${error.message.split('\n')[0] ?? ''}`);
  }
}

const silenceSchema = z.object({
  id: z.number(),
  match: z.unknown(),
  reason: z.string(),
  author: z.string(),
  from: z.string(),
  until: z.string(),
  ended_at: z.string().nullable(),
  ended_by: z.string().nullable(),
});
const listSchema = z.object({
  silences: z.array(silenceSchema),
  recurring: z.array(z.object({ name: z.string(), when: z.string(), reason: z.string() })),
});

function listText({ silences, recurring }: z.output<typeof listSchema>): string {
  const now = systemClock.now();
  const rows = silences.map((one) => [
    String(one.id),
    whenText(one, now),
    `${JSON.stringify(one.match)} by ${one.author}: ${one.reason}`,
  ]);
  const written = recurring.map(({ name, when, reason }) => ['-', when, `${name}: ${reason}`]);
  return table([...rows, ...written]);
}

function whenText({ until, ended_at: endedAt }: z.output<typeof silenceSchema>, now: Instant): string {
  if (endedAt !== null) return 'ended';
  const left = since(now, instant(Date.parse(until)));
  return left <= 0 ? 'over' : `${formatDuration(seconds(Math.ceil(left / 1000)))} left`;
}
