/**
 * The station as the web's thread sees it: calls cross a message port, and the
 * answers come back. Only names listed here can be called, and nothing but data
 * crosses.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Event, StationPort } from './door.ts';
import type { Accounts } from './store/store.ts';

type Call = {
  readonly kind: 'call';
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
};
type Answer =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly message: string };
type FromStation = Answer | { readonly kind: 'committed' };

const accountCalls = [
  'addUser',
  'setPassword',
  'removeUser',
  'findUser',
  'listUsers',
  'addToken',
  'removeToken',
  'findToken',
  'listTokens',
  'noteTokenUse',
  'addLoginLink',
  'useLoginLink',
  'saveSession',
  'loadSession',
  'removeSession',
] as const satisfies readonly (keyof Accounts)[];

/** Answers the calls that come over `port`. `onCommit` is turned into messages. */
export function servePort(port: MessagePort, station: StationPort): void {
  const accounts = station.accounts;
  const calls = new Map<string, (...args: never[]) => Promise<unknown>>([
    ['handle', (events: readonly Event[]) => station.handle(events)],
    ['health', () => station.health()],
    ['policy', () => station.policy()],
    ['forecast', (...args: Parameters<StationPort['forecast']>) => station.forecast(...args)],
    ['hook', (...args: Parameters<StationPort['hook']>) => station.hook(...args)],
    ['readLink', (token: string) => station.readLink(token)],
    ['metrics', () => station.metrics()],
    ...accountCalls.map((name) => [name, accounts[name].bind(accounts)] as const),
  ]);
  port.on('message', (call: Call) => {
    const run = calls.get(call.name);
    const answer = (message: FromStation): void => port.postMessage(message);
    if (run === undefined) throw new Error(`no such call: ${call.name}`);
    run(...(call.args as never[])).then(
      (value) => answer({ kind: 'answer', id: call.id, value }),
      (error: unknown) => answer({ kind: 'error', id: call.id, message: String(error) }),
    );
  });
  station.onCommit(() => port.postMessage({ kind: 'committed' } satisfies FromStation));
}

/** The other end: what it returns calls the station across `port`. */
export function connectPort(port: MessagePort): StationPort {
  const pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const listeners: (() => void)[] = [];
  let last = 0;
  port.on('message', (message: FromStation) => {
    if (message.kind === 'committed') {
      for (const listener of listeners) listener();
      return;
    }
    const waiting = pending.get(message.id);
    pending.delete(message.id);
    if (message.kind === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(new Error(message.message));
  });
  const call = <T>(name: string, ...args: readonly unknown[]): Promise<T> => {
    last += 1;
    const id = last;
    return new Promise<T>((resolve, reject) => {
      pending.set(id, { resolve: (value) => resolve(value as T), reject });
      port.postMessage({ kind: 'call', id, name, args } satisfies Call);
    });
  };
  const accounts = Object.fromEntries(
    accountCalls.map((name) => [name, (...args: unknown[]) => call(name, ...args)]),
  ) as { [K in (typeof accountCalls)[number]]: Accounts[K] };
  return {
    accounts,
    handle: (events) => call('handle', events),
    health: () => call('health'),
    policy: () => call('policy'),
    forecast: (...args) => call('forecast', ...args),
    hook: (...args) => call('hook', ...args),
    readLink: (token) => call('readLink', token),
    metrics: () => call('metrics'),
    onCommit: (listener) => void listeners.push(listener),
  };
}
