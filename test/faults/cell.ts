/**
 * One cell of the fault matrix as a story: a peer that fails, the real station
 * killed at the moment that the cell names, and started again on the same
 * folder and ports. What must then be so is checked by matrix.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newTransmissionId, send } from '../../src/send/sender.ts';
import type { Alert, HistoryEntry } from '../../src/station/core/alert.ts';
import { openReads } from '../../src/station/store/sqlite-reads.ts';
import type { InboxMessage, Reads } from '../../src/station/store/store.ts';
import { encode } from '../../src/wire/update.ts';
import { freePort } from '../kit/ports.ts';
import { eventually, RunningStation } from '../kit/process.ts';
import type { Cell } from './outcomes.ts';
import type { Peer } from './peer.ts';
import { EmailPeer } from './peer-email.ts';
import { SmsPeer } from './peer-sms.ts';
import { WebhookPeer } from './peer-webhook.ts';
import { XmppPeer } from './peer-xmpp.ts';

export type Receipt = Extract<HistoryEntry['change'], { kind: 'receipt' }>;

/** Gathered for so long, a message waits in the outbox while its station is killed. */
const gathers = '5s';
/** By when the station is killed, in cells about them; nothing else may take too long, however busy the machine is. */
const timeouts = { before: '5s', during: '30s', after: '3s' } as const;
const storyMax = 60_000;

const openers: Readonly<Record<Peer['channel'], () => Promise<Peer>>> = {
  email: () => EmailPeer.open(),
  sms: () => SmsPeer.open(),
  webhook: () => WebhookPeer.open(),
  xmpp: () => XmppPeer.open(),
};

export class Story {
  readonly cell: Cell;
  readonly peer: Peer;
  /** Where Ann is reached instead, and where Bob is. */
  readonly other: Peer;
  readonly bob: WebhookPeer;
  /** What was on record when the station died. */
  readonly onRecord: HistoryEntry[] = [];
  statusAtDeath: InboxMessage['status'] | null = null;
  kills = 0;
  private readonly folder = mkdtempSync(join(tmpdir(), 'mauve-faults-'));
  private station: RunningStation | null = null;
  private reads: Reads | null = null;

  private constructor(cell: Cell, peer: Peer, other: Peer, bob: WebhookPeer) {
    this.cell = cell;
    this.peer = peer;
    this.other = other;
    this.bob = bob;
  }

  /** With everything running, and nothing wrong yet. */
  static async begin(cell: Cell): Promise<Story> {
    const peer = await openers[cell.channel]();
    const other = await (cell.channel === 'webhook' ? EmailPeer.open() : WebhookPeer.open());
    const story = new Story(cell, peer, other, await WebhookPeer.open());
    try {
      await story.startFirst();
    } catch (error) {
      await story.end();
      throw error;
    }
    return story;
  }

  /** Whether Ann has another channel, which takes over when this one fails for good. */
  get hasNext(): boolean {
    return this.cell.fault === 'permanent' && this.cell.moment === 'before';
  }

  private async startFirst(): Promise<void> {
    const page = `http://127.0.0.1:${await freePort()}`;
    writeFileSync(this.file('policy'), JSON.stringify(this.policy()));
    writeFileSync(this.file('config'), JSON.stringify(this.stationFile(page, this.timeout())));
    const args = ['config', 'policy'].flatMap((name) => [`--${name}`, this.file(name)]);
    const { peer, other, bob } = this;
    const env = { ...bob.env, ...other.env, ...peer.env };
    const station = new RunningStation({ args, env, folder: join(this.folder, 'data') });
    station.page = page;
    this.station = station;
    await station.start();
    this.reads = openReads({ folder: station.data });
  }

  private file(name: string): string {
    return join(this.folder, `${name}.yaml`);
  }

  /** Of the station that meets the fault: short where its end is waited for. */
  private timeout(): string {
    const { peer, cell } = this;
    // Who keeps a connection waits for a new one, which shows as a timeout.
    const waits = cell.fault === 'timeout' || (cell.fault === 'refused' && peer.resumes);
    return waits ? timeouts[cell.moment] : timeouts.during;
  }

  private stationFile(page: string, timeout: string): object {
    const { peer, other, bob } = this;
    const channels = Object.fromEntries([bob, other].map((one) => [one.channel, one.settings]));
    return { base_url: page, channels: { ...channels, [peer.channel]: { ...peer.settings, timeout } } };
  }

  private policy(): object {
    const { peer, other, bob, cell } = this;
    const first_of = [peer.channel, other.channel];
    const addresses = {
      ...(this.hasNext ? { [other.channel]: other.address } : {}),
      [peer.channel]: peer.address,
    };
    return {
      version: 1,
      people: {
        ann: {
          ...addresses,
          channels: { normal: this.hasNext ? { first_of } : [peer.channel] },
          limits: 'none',
        },
        bob: { webhook: bob.address, limits: 'none' },
      },
      groups: [{ name: 'all', level: 'normal', notify: [{ to: 'ann' }] }],
      settings: { digest: cell.moment === 'before' ? gathers : '0s' },
    };
  }

  private get up(): { readonly station: RunningStation; readonly reads: Reads } {
    const { station, reads } = this;
    if (station === null || reads === null) throw new Error('the station was never started');
    return { station, reads };
  }

  // -------------------------------------------------------------- what happens

  async raise(id: string): Promise<void> {
    const alert = { id, raiseTime: 0n, clearTime: 0n, subject: 'db1', summary: `it is ${id}` };
    const update = {
      transmissionId: newTransmissionId(),
      source: 'db1',
      replace: false,
      alerts: [{ ...alert, detail: '', importance: 0, suppressUntil: 0n }],
      signature: new Uint8Array(),
      transmissionTime: 0n,
    };
    await send(encode(update), [`127.0.0.1:${this.up.station.port}`]);
  }

  /** For the peers to call, in the middle of whatever they do. */
  readonly kill = (): void => {
    if (this.kills > 0) return;
    this.kills += 1;
    this.up.station.signal('SIGKILL');
  };

  async killed(): Promise<void> {
    await this.until(
      () => this.kills,
      (kills) => kills === 1,
    );
    await this.up.station.end('SIGKILL');
    this.onRecord.push(...(await this.history('main')));
    this.statusAtDeath = (await this.message('main'))?.status ?? null;
  }

  /** Until the station has noticed that its lasting connection is there, or gone. */
  async noticed(words: 'connected to XMPP' | 'no connection to XMPP'): Promise<void> {
    await this.until(
      () => this.up.station.stderr,
      (log) => log.includes(words),
    );
  }

  async startAgain(): Promise<void> {
    const { station } = this.up;
    // What failed before is on record; nothing may fail any more.
    if (this.cell.moment === 'after')
      writeFileSync(this.file('config'), JSON.stringify(this.stationFile(station.page, timeouts.during)));
    await station.start();
  }

  // -------------------------------------------------------------- what is there to see

  async until<T>(ask: () => Promise<T> | T, good: (answer: T) => boolean): Promise<T> {
    return await eventually(ask, good, storyMax);
  }

  async alert(id: string): Promise<Alert | null> {
    const page = await this.up.reads.alerts({ state: null, limit: 100, cursor: null });
    return page?.alerts.find((alert) => alert.id === id) ?? null;
  }

  /** Oldest first. */
  async history(id: string): Promise<readonly HistoryEntry[]> {
    const alert = await this.alert(id);
    return alert === null ? [] : [...(await this.up.reads.history(alert.key, 1000))].reverse();
  }

  /** What became of the tries at Ann's message by the channel in question, oldest first. */
  async receipts(): Promise<readonly Receipt[]> {
    return receiptsIn(await this.history('main'), this.cell);
  }

  /** Of Ann's messages about an alert, by the channel in question. */
  async message(id: string): Promise<InboxMessage | null> {
    const alert = await this.alert(id);
    const messages = alert === null ? [] : await this.up.reads.messagesOf(alert.key, 100);
    return messages.find(({ person, channel }) => person === 'ann' && channel === this.cell.channel) ?? null;
  }

  /** How many messages are still to be sent, to whomever. */
  async pending(): Promise<number> {
    const { pending, leased } = await this.up.reads.outboxCounts();
    return pending + leased;
  }

  copies(of: Peer, id: string): readonly Peer['received'][number][] {
    return of.received.filter(({ text }) => text.includes(`it is ${id}`));
  }

  async end(): Promise<void> {
    await this.reads?.close();
    await this.station?.close();
    for (const peer of [this.peer, this.other, this.bob]) await peer.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const receiptsIn = (history: readonly HistoryEntry[], { channel }: Cell): readonly Receipt[] =>
  history.flatMap(({ change }) => (change.kind === 'receipt' && change.channel === channel ? [change] : []));
