/**
 * A process to be killed: opens the folder of its first argument and does what
 * the second says, then kills itself, or waits to be killed.
 */
import process from 'node:process';
import { lockDataFolder } from '../../src/station/store/lock.ts';
import { openSqlite } from '../../src/station/store/sqlite.ts';
import { minutes, plus } from '../../src/time.ts';
import { add, heartbeat, noon, repeated, save } from './samples.ts';

const [folder = '', what = ''] = process.argv.slice(2);

switch (what) {
  case 'hold': {
    lockDataFolder(folder);
    process.stdout.write('held\n');
    // Alive until killed.
    process.stdin.resume();
    break;
  }
  case 'repeat': {
    const store = openSqlite({ folder });
    const [first, second] = await add(
      store,
      (key) => heartbeat(key),
      (key) => heartbeat(key),
    );
    if (first === undefined || second === undefined) throw new Error('no alerts');
    for (let n = 1; n <= 100; n++) {
      const at = (minute: number) => repeated(first, plus(noon, minutes(minute)));
      await save(store, n === 1 ? first : at(n - 1), at(n));
      if (n === 50) await store.fold(plus(noon, minutes(n)), 100);
    }
    const planless = { ...second, willRaiseAt: null };
    await save(store, second, repeated(second, plus(noon, minutes(1))));
    await save(store, repeated(second, plus(noon, minutes(1))), planless);
    await store.transaction((tx) => tx.takeTransmissions([{ source: 'db1', id: 1n }], noon));
    const { promise } = Promise.withResolvers<void>();
    await store.transaction(async (tx) => {
      await tx.takeTransmissions([{ source: 'db1', id: 2n }], noon);
      await tx.save([{ before: planless, after: { ...planless, subject: 'never committed' } }]);
      process.kill(process.pid, 'SIGKILL');
      await promise;
    });
    break;
  }
  default:
    throw new Error(`what is ${what}?`);
}
