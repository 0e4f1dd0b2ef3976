/**
 * What the station counts, in Prometheus' names. Hot paths count in plain
 * numbers and add a batch at a time.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type Instant, since } from '../time.ts';
import type { Tally } from './batch.ts';

const commitBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

export class Meters {
  readonly registry = new Registry();
  private readonly register = { registers: [this.registry] };
  private readonly updates = this.counter('mauve_updates_total', 'Alert updates taken.');
  private readonly alerts = this.counter('mauve_update_alerts_total', 'Alerts mentioned by updates taken.');
  private readonly copies = this.counter('mauve_update_copies_total', 'Further copies of updates taken.');
  private readonly cut = this.counter('mauve_texts_cut_total', 'Texts that were too long and were cut.');
  private readonly bugs = this.counter(
    'mauve_decisions_failed_total',
    'Decisions that failed: a bug, see the log.',
  );
  private readonly owed = this.counter('mauve_messages_owed_total', 'Messages put into the outbox.');
  private readonly refusals = new Counter({
    name: 'mauve_updates_refused_total',
    help: 'Updates, or alerts of updates, refused, by reason.',
    labelNames: ['reason'],
    ...this.register,
  });
  private readonly receipts = new Counter({
    name: 'mauve_messages_total',
    help: 'What became of messages, by channel.',
    labelNames: ['channel', 'outcome'],
    ...this.register,
  });
  private readonly storeErrors = new Counter({
    name: 'mauve_store_errors_total',
    help: 'Transactions that the store refused, by kind.',
    labelNames: ['kind'],
    ...this.register,
  });
  private readonly commits = new Histogram({
    name: 'mauve_commit_seconds',
    help: 'From the beginning of a batch to its commit.',
    buckets: commitBuckets,
    ...this.register,
  });
  private readonly intake = new Histogram({
    name: 'mauve_intake_commit_seconds',
    help: 'From the arrival of a datagram to the commit of its update.',
    buckets: commitBuckets,
    ...this.register,
  });

  constructor(process: boolean) {
    if (process) collectDefaultMetrics({ register: this.registry, prefix: 'mauve_' });
  }

  private counter(name: string, help: string): Counter {
    return new Counter({ name, help, ...this.register });
  }

  /** Gauges are read when somebody asks for them. */
  gauge(
    name: string,
    help: string,
    label: string | null,
    read: () => Promise<Readonly<Record<string, number>>>,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: label === null ? [] : [label],
      ...this.register,
      async collect() {
        for (const [value, count] of Object.entries(await read())) {
          if (label === null) this.set(count);
          else this.set({ [label]: value }, count);
        }
      },
    });
  }

  committed(tally: Tally, began: Instant, committed: Instant): void {
    this.updates.inc(tally.updates);
    this.alerts.inc(tally.alerts);
    this.copies.inc(tally.copies);
    this.cut.inc(tally.cut);
    this.bugs.inc(tally.bugs);
    this.owed.inc(tally.messages);
    for (const [reason, count] of tally.refused) this.refused(reason, count);
    this.commits.observe(since(began, committed) / 1000);
  }

  refused(reason: string, count: number): void {
    this.refusals.inc({ reason }, count);
  }

  arrived(receptions: Iterable<number>, committed: Instant): void {
    for (const reception of receptions) this.intake.observe(Math.max(0, committed - reception) / 1000);
  }

  receipt(channel: string, outcome: string): void {
    this.receipts.inc({ channel, outcome });
  }

  storeError(kind: string): void {
    this.storeErrors.inc({ kind });
  }
}
