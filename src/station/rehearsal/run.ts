/**
 * Plays a scenario, and says where what happened differs from what it expects.
 */
import type { Instant } from '../../time.ts';
import type { UpdateAlert } from '../../wire/update.ts';
import { type Alert, levels, type NotificationKind, type PersonId } from '../core/alert.ts';
import type { Policy } from '../core/policy.ts';
import type { Event, Outcome } from '../door.ts';
import type { AlertName, SilenceId } from '../store/store.ts';
import type { FileFault } from '../yaml-file.ts';
import { Rehearsal, type Sent } from './rehearsal.ts';
import type { Check, Deed, Expected, Said, Scenario, Step } from './scenario.ts';

/** A message: one that came as expected, one that is missing, one that nobody expected. */
export type Line = {
  readonly mark: 'as-expected' | 'missing' | 'unexpected';
  readonly at: Instant;
  readonly to: PersonId;
  readonly by: string | null;
  readonly of: NotificationKind;
  readonly alert: string | null;
  /** Why the person was not told, where the history knows. */
  readonly why: string | null;
};

/** Where the policy does otherwise than the scenario expects. `lines` where it is about messages. */
export type Difference = FileFault & { readonly at: Instant; readonly lines: readonly Line[] };

export type Played = {
  readonly steps: number;
  readonly messages: number;
  readonly differences: readonly Difference[];
};

/** Plays a scenario with a station of its own. @throws where the station has a bug. */
export async function play(scenario: Scenario, policy: Policy): Promise<Played> {
  const rehearsal = await Rehearsal.open(policy, scenario.start);
  try {
    return await new Play(scenario, rehearsal).run();
  } finally {
    await rehearsal.close();
  }
}

/** Why somebody was not told at a moment; `person` null: nobody was. */
type Reason = { readonly at: Instant; readonly person: PersonId | null; readonly why: string };

class Play {
  private readonly scenario: Scenario;
  private readonly rehearsal: Rehearsal;
  private readonly differences: Difference[] = [];
  private readonly silences = new Map<string, SilenceId>();
  /** Messages up to here have been expected or complained of. */
  private seen = 0;

  constructor(scenario: Scenario, rehearsal: Rehearsal) {
    this.scenario = scenario;
    this.rehearsal = rehearsal;
  }

  async run(): Promise<Played> {
    const { rehearsal, scenario } = this;
    for (const step of scenario.steps) {
      for (const { deed, path } of step.deeds) {
        await rehearsal.advanceTo(step.begins);
        await this.do(deed, path);
      }
      await rehearsal.advanceTo(step.at);
      for (const check of step.checks) await this.check(check);
      if (step.expect !== null) await this.expect(step.expect, step.at);
    }
    const last = scenario.steps.at(-1);
    const expects = scenario.steps.some(({ expect }) => expect !== null);
    if (last !== undefined && expects)
      await this.expect({ messages: [], others: false, path: last.path }, last.at);
    return { steps: scenario.steps.length, messages: rehearsal.sent.length, differences: this.differences };
  }

  private differ(path: Step['path'], message: string, lines: readonly Line[] = []): void {
    const at = this.rehearsal.clock.now();
    this.differences.push({ ...this.scenario.fault(path, message), at, lines });
  }

  // ------------------------------------------------------------ what happens

  private async do(deed: Deed, path: Step['path']): Promise<void> {
    const { rehearsal } = this;
    const at = rehearsal.clock.now();
    switch (deed.kind) {
      case 'channels_down':
        rehearsal.setDown(deed.channels);
        return;
      case 'update':
        await rehearsal.update(deed.source, deed.alerts.map(onTheWire), deed.replace);
        return;
      case 'silence': {
        const { match, by, for: length, reason } = deed;
        const outcome = await this.must({ kind: 'silence', at, by, match, for: length, reason }, path);
        if (outcome?.ok === true && outcome.silence !== undefined)
          this.silences.set(deed.name, outcome.silence);
        return;
      }
      case 'end_silence': {
        const silence = this.silences.get(deed.name);
        if (silence !== undefined) await this.must({ kind: 'end-silence', at, by: deed.by, silence }, path);
        return;
      }
      default:
        await this.act(deed, at, path);
    }
  }

  private async act(
    deed: Extract<Deed, { alert: AlertName }>,
    at: Instant,
    path: Step['path'],
  ): Promise<void> {
    const found = await this.rehearsal.alert(deed.alert);
    if (found === null) {
      this.differ(path, `there is no alert ${deed.alert.id} yet`);
      return;
    }
    const on = { alert: found.key, by: deed.by, at };
    switch (deed.kind) {
      case 'acknowledge': {
        const { for: length, hours, note } = deed;
        await this.must(
          { kind: 'acknowledge', ...on, for: length, note, ...(hours === null ? {} : { hours }) },
          path,
        );
        return;
      }
      case 'unacknowledge':
        await this.must({ kind: 'unacknowledge', ...on }, path);
        return;
      case 'suppress':
        await this.must({ kind: 'suppress', ...on, for: deed.for }, path);
        return;
      case 'clear_by_hand':
        await this.must({ kind: 'clear', ...on }, path);
        return;
      default:
        deed satisfies never;
    }
  }

  private async must(event: Event, path: Step['path']): Promise<Outcome | null> {
    const outcome = await this.rehearsal.handle(event);
    if (outcome.ok) return outcome;
    this.differ(path, `this was refused: ${outcome.message}`);
    return null;
  }

  // ------------------------------------------------------------ what is expected

  private async check(check: Check): Promise<void> {
    const found = await this.rehearsal.alert(check.name);
    if (found === null) {
      this.differ(check.path, `there is no alert ${check.name.id} yet`);
      return;
    }
    const level = found.level ?? levels[0];
    const got = {
      state: found.phase.kind,
      group: found.group ?? '',
      level,
      muted: found.muted?.kind ?? 'no',
    };
    for (const key of ['state', 'group', 'level', 'muted'] as const) {
      const wanted = check[key];
      if (wanted === undefined || wanted === got[key]) continue;
      this.differ(
        [...check.path, key],
        `${key} of ${check.name.id}: ${wanted} is expected, but it is ${got[key]}`,
      );
    }
  }

  private async expect(expect: NonNullable<Step['expect']>, at: Instant): Promise<void> {
    const got = this.rehearsal.sent.slice(this.seen);
    this.seen = this.rehearsal.sent.length;
    const { matched, missing, unexpected } = compare(expect.messages, got);
    const surplus = expect.others ? [] : unexpected;
    if (missing.length === 0 && surplus.length === 0) return;
    const why = await this.whyNot(at);
    const lines = [
      ...matched.map((sent) => lineOf('as-expected', sent)),
      ...surplus.map((sent) => lineOf('unexpected', sent)),
      ...missing.map((one) => missingLine(one, why(one))),
    ];
    const count = (n: number, what: string): string[] => (n === 0 ? [] : [`${n} ${what}`]);
    const words = [...count(missing.length, 'missing'), ...count(surplus.length, 'not expected')].join(', ');
    this.differ(
      expect.path,
      `other messages than expected: ${words}`,
      lines.sort((a, b) => a.at - b.at),
    );
  }

  /** What the histories of all alerts say of people who were not told. */
  private async whyNot(until: Instant): Promise<(of: Expected) => string | null> {
    const reasons: Reason[] = [];
    for (const name of this.named()) {
      const alert = await this.rehearsal.alert(name);
      if (alert !== null) reasons.push(...(await this.reasons(alert)));
    }
    return ({ from, before, to }) =>
      reasons.find(({ at, person }) => (person ?? to) === to && from <= at && at < before && at <= until)
        ?.why ?? null;
  }

  private async reasons(alert: Alert): Promise<readonly Reason[]> {
    return (await this.rehearsal.history(alert)).flatMap(({ at, change }): readonly Reason[] => {
      if (change.kind === 'not-told') return [{ at, person: change.person, why: change.why }];
      if (change.kind === 'muted')
        return [{ at, person: null, why: [change.by, change.why].filter(Boolean).join(': ') }];
      if (change.kind === 'receipt' && change.outcome !== 'delivered') {
        return [{ at, person: change.person, why: `${change.channel}: ${change.outcome}: ${change.why}` }];
      }
      return [];
    });
  }

  private named(): readonly AlertName[] {
    const names = new Map<string, AlertName>();
    for (const { deed } of this.scenario.steps.flatMap(({ deeds }) => deeds)) {
      if (deed.kind !== 'update') continue;
      for (const { id } of deed.alerts) names.set(`${deed.source}\n${id}`, { source: deed.source, id });
    }
    return [...names.values()];
  }
}

type Compared = {
  readonly matched: readonly Sent[];
  readonly missing: readonly Expected[];
  readonly unexpected: readonly Sent[];
};

/** Pairs each expectation with what it means; those that say most choose first. */
export function compare(expected: readonly Expected[], got: readonly Sent[]): Compared {
  const left = new Set(got);
  const missing: Expected[] = [];
  const says = (one: Expected): number => Number(one.by !== null) + Number(one.alert !== null);
  for (const one of [...expected].sort((a, b) => says(b) - says(a))) {
    const found = [...left].find((sent) => meets(sent, one));
    if (found === undefined) {
      missing.push(one);
      continue;
    }
    for (const sent of left) {
      // Without a channel, the message is meant on all of the person's.
      if (sent === found || (one.by === null && sent.key === found.key && meets(sent, one)))
        left.delete(sent);
    }
  }
  return { matched: got.filter((sent) => !left.has(sent)), missing, unexpected: [...left] };
}

function meets({ at, person, channel, kind, facts }: Sent, wanted: Expected): boolean {
  return (
    wanted.from <= at &&
    at < wanted.before &&
    person === wanted.to &&
    kind === wanted.of &&
    (wanted.by === null || channel === wanted.by) &&
    (wanted.alert === null || facts.alertId === wanted.alert)
  );
}

function lineOf(mark: Line['mark'], { at, person, channel, kind, facts }: Sent): Line {
  return { mark, at, to: person, by: channel, of: kind, alert: facts.alertId, why: null };
}

function missingLine({ from, to, by, of, alert }: Expected, why: string | null): Line {
  return { mark: 'missing', at: from, to, by, of, alert, why };
}

function onTheWire(said: Said): UpdateAlert {
  const { id, subject = '', summary = '', detail = '', importance = 0 } = said;
  const wire = (at: Instant | null): bigint => (at === null ? 0n : BigInt(Math.floor(at / 1000)));
  return {
    id,
    subject,
    summary,
    detail,
    importance,
    raiseTime: wire(said.raiseAt),
    clearTime: wire(said.clearAt),
    suppressUntil: wire(said.suppressUntil),
  };
}
