/** Replays a recorded case through the public door of a whole station, on a simulated clock. */
import assert from 'node:assert/strict';
import { isSuppressed, raisedAt } from '../../src/station/core/alert.ts';
import { instant, seconds } from '../../src/time.ts';
import { Timeline } from '../kit/station.ts';
import type { Case, Expected, Json, Step } from './behaviour-cases.ts';
import { policyOf, startOf } from './behaviour-policy.ts';

const loudKinds = new Set(['raised', 're-raised', 'acknowledged', 'cleared']);
const updateTypes: Record<string, string> = {
  raised: 'raised',
  're-raised': 're-raised',
  acknowledged: 'acknowledged',
};

export class Replay {
  readonly one: Case;
  readonly t: Timeline;
  private fresh: { suppress_until?: number; will_raise_at?: number } = {};
  private counted = 0;

  constructor(one: Case) {
    this.one = one;
    const start = startOf(one);
    const first = Math.min(0, ...one.steps.map((step) => step.t));
    this.t = new Timeline({ policy: policyOf(one, start), start });
    this.t.clock.jumpTo(instant(start + first * 1000));
  }

  private async loudEntries(): Promise<number> {
    const entries = await this.t.reads.historyAfter(0, 10_000);
    return entries.filter((entry) => loudKinds.has(entry.change.kind)).length;
  }

  async perform(step: Step, index: number): Promise<void> {
    const { t } = this;
    this.counted = await this.loudEntries();
    t.told();
    const restarts = this.one.given.note?.includes('the server starts at t=0') === true;
    if (restarts && step.t >= 0 && (this.one.steps[index - 1]?.t ?? 0) < 0) {
      await t.restart({ downUntil: t.start });
    }
    const name = `${step.source ?? 'test'}/${step.id ?? 'test'}`;
    await t.at(step.t + (step.received_fraction ?? 0));
    switch (step.op) {
      case 'update': {
        const options: { source?: string; replace?: boolean; transmissionTime?: number } = {};
        if (step.source !== undefined) options.source = step.source;
        if (step.replace !== undefined) options.replace = step.replace;
        if (step.transmission_time !== undefined) options.transmissionTime = step.transmission_time;
        return await t.update(step.alerts, options);
      }
      case 'new':
        this.fresh = step.fields ?? {};
        return;
      case 'raise':
        await t.update([{ raise: step.t, ...this.suppress() }]);
        return;
      case 'clear': {
        const planned = this.fresh.will_raise_at === undefined ? {} : { raise: this.fresh.will_raise_at };
        await t.update([{ clear: step.t, ...planned }]);
        if (this.fresh.suppress_until !== undefined) {
          const length = seconds(this.fresh.suppress_until - step.t);
          await t.act(name, { kind: 'suppress', for: length });
        }
        this.fresh = {};
        return;
      }
      case 'set':
        if (step.fields?.subject !== undefined) await t.update([{ subject: step.fields.subject }]);
        if (step.fields?.suppress_until !== undefined) {
          await t.act(name, { kind: 'suppress', for: seconds(step.fields.suppress_until - step.t) });
        }
        return;
      case 'ack': {
        const length = seconds((step.until ?? 0) - step.t);
        await t.act(name, { kind: 'acknowledge', for: length, note: '' }, step.person);
        return;
      }
      case 'unack':
        await t.act(name, { kind: 'unacknowledge' });
        return;
      case 'tick':
      case 'poll':
      case 'poll_reminders':
      case 'observe':
        return;
      default:
        throw new Error(`no such step: ${step.op}`);
    }
  }

  private suppress(): { suppress?: number } {
    const { suppress_until: suppress } = this.fresh;
    this.fresh = {};
    return suppress === undefined ? {} : { suppress };
  }

  async check(expected: Expected): Promise<void> {
    const { t } = this;
    const page = await t.reads.alerts({ state: null, limit: 1000, cursor: null });
    const entries = (await t.reads.historyAfter(0, 10_000)).filter((entry) =>
      loudKinds.has(entry.change.kind),
    );
    const triggers = entries.length - this.counted;
    const told = t.told();
    if (expected.triggers !== undefined) assert.equal(triggers, expected.triggers, 'triggers');
    if (expected.history_count !== undefined) assert.equal(entries.length, expected.history_count, 'history');
    if (expected.alert_count !== undefined) assert.equal(page?.alerts.length, expected.alert_count);
    if (expected.notified !== undefined) {
      assert.deepEqual(told, [...expected.notified].sort(), 'notified');
    }
    if (expected.pending_reminders !== undefined) {
      const dues = [...new Set((page?.alerts ?? []).map((alert) => alert.wakeAt))].filter(
        (at) => at !== null,
      );
      assert.deepEqual(dues.map((at) => t.ago(at)).sort(), expected.pending_reminders, 'reminders');
    }
    if (expected.alert !== undefined)
      await this.checkAlert(Object.keys(expected.alert), 'test/test', expected.alert);
    for (const [name, fields] of Object.entries(expected.alerts ?? {})) {
      await this.checkAlert(Object.keys(fields), name, fields);
    }
  }

  private async checkAlert(
    keys: readonly string[],
    name: string,
    expected: Record<string, Json>,
  ): Promise<void> {
    const actual = await this.observe(name);
    for (const key of keys) assert.deepEqual(actual[key], expected[key], `${name} ${key}`);
  }

  /** An alert in the words of the recording. */
  private async observe(name: string): Promise<Record<string, Json>> {
    const { t } = this;
    const alert = await t.alert(name);
    const { phase } = alert;
    const acknowledged = phase.kind === 'acknowledged' ? phase : null;
    const last = (await t.history(name)).filter((entry) => loudKinds.has(entry.change.kind)).at(-1)
      ?.change.kind;
    return {
      raised: phase.kind !== 'cleared',
      cleared: phase.kind === 'cleared',
      acknowledged: acknowledged !== null,
      acknowledged_by: acknowledged?.by ?? null,
      acknowledged_at: t.ago(acknowledged?.since ?? null),
      will_unacknowledge_at: t.ago(acknowledged?.until ?? null),
      raised_at: t.ago(raisedAt(alert)),
      cleared_at: phase.kind === 'cleared' ? t.ago(phase.since) : null,
      will_raise_at: t.ago(
        // During the initial sleep the original moved the plan itself; ours waits with the plan as it was.
        alert.willRaiseAt !== null && alert.wakeAt !== null && alert.wakeAt > alert.willRaiseAt
          ? alert.wakeAt
          : alert.willRaiseAt,
      ),
      will_clear_at: t.ago(alert.willClearAt),
      due_at: t.ago(alert.wakeAt),
      updated_at: t.ago(alert.heardAt),
      suppressed: isSuppressed(alert, t.clock.now()),
      suppress_until: t.ago(alert.suppressUntil),
      source: alert.source,
      subject: alert.subject,
      summary: alert.summary,
      summary_length: alert.summary.length,
      detail: alert.detail,
      importance: alert.importance,
      group: alert.group,
      level: alert.level,
      update_type: updateTypes[last ?? ''] ?? 'cleared',
    };
  }
}
