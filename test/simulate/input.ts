/**
 * What happens to a simulated station from outside, as a list of inputs with
 * their times: what arrives from the network, what people do, what becomes of
 * providers, of the station itself and of its clock. A run is a function of such
 * a list, which is why a failing one can be made shorter.
 */
import type { PersonsAct, Said, SaidUpdate } from './naive.ts';
import type { MatchSpec } from './policies.ts';

/** How a provider fails for a while. */
export type Outage = 'refuses' | 'hangs' | 'rejects' | 'is slow';

/** `at` is true time, in milliseconds; what the station's clock shows may differ from it. */
export type Input = { readonly at: number } & (
  | { readonly kind: 'datagram'; readonly update: SaidUpdate; readonly copy: boolean }
  | { readonly kind: 'act'; readonly by: string; readonly alert: string; readonly act: PersonsAct }
  | {
      readonly kind: 'silence';
      readonly name: string;
      readonly by: string;
      readonly match: MatchSpec;
      readonly for: number;
    }
  | { readonly kind: 'end-silence'; readonly name: string; readonly by: string }
  | { readonly kind: 'outage'; readonly channel: string; readonly how: Outage; readonly for: number }
  | { readonly kind: 'reload'; readonly policy: number }
  /** At the `write`th transaction from then on, before or after its commit. */
  | { readonly kind: 'kill'; readonly write: number; readonly committed: boolean; readonly down: number }
  | { readonly kind: 'stop'; readonly down: number }
  | { readonly kind: 'jump'; readonly by: number }
);

export const clock = (at: number): string => new Date(at).toISOString().replace('T', ' ').replace('Z', '');

/** In words, for people. */
export function describe(input: Input): string {
  return `${clock(input.at)}  ${words(input)}`;
}

const long = (ms: number): string => {
  const sign = ms < 0 ? '-' : '';
  const s = Math.round(Math.abs(ms) / 1000);
  const parts = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  return `${sign}${parts.map((part) => String(part).padStart(2, '0')).join(':')}`;
};

function words(input: Input): string {
  switch (input.kind) {
    case 'datagram': {
      const { update, copy } = input;
      const what = update.replace ? 'full update' : 'update';
      const sender = update.transmissionTime === 0 ? '' : `, sent at ${clock(update.transmissionTime)}`;
      const alerts = update.alerts.map(said).join('; ') || 'nothing';
      return `${copy ? 'copy of an ' : ''}${what} from ${update.source}${sender}: ${alerts}`;
    }
    case 'act': {
      const { act } = input;
      const length = 'for' in act && act.for !== null ? ` for ${long(act.for)}` : '';
      return `${input.by}: ${act.kind}${length} ${input.alert}`;
    }
    case 'silence':
      return `${input.by}: silence ${input.name}, ${JSON.stringify(input.match)}, for ${long(input.for)}`;
    case 'end-silence':
      return `${input.by}: end of silence ${input.name}`;
    case 'outage':
      return `${input.channel} ${input.how} for ${long(input.for)}`;
    case 'reload':
      return `policy ${input.policy} is loaded`;
    case 'kill':
      return `the station is killed ${input.committed ? 'after' : 'before'} the commit of transaction ${input.write} from now on, down for ${long(input.down)}`;
    case 'stop':
      return `the station is stopped for ${long(input.down)}`;
    case 'jump':
      return `the station's clock is set by ${long(input.by)}`;
    default:
      return input satisfies never;
  }
}

function said({ id, subject, summary, importance, raise, clear, suppress }: Said): string {
  const times = [
    raise === 0 ? '' : `raise ${clock(raise)}`,
    clear === 0 ? '' : `clear ${clock(clear)}`,
    suppress === 0 ? '' : `suppress until ${clock(suppress)}`,
    subject === '' ? '' : `subject ${subject}`,
    summary === '' ? '' : `"${summary}"`,
    importance === 0 ? '' : `importance ${importance}`,
  ];
  return [id, ...times.filter((text) => text !== '')].join(' ');
}
