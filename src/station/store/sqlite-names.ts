/** The addresses of host names as last looked up, so that a restart does not have to wait for a name server. */
import type { Database, Statement } from 'better-sqlite3';
import type { Instant } from '../../time.ts';
import type { FoundName } from './store.ts';

type NameRow = { host: string; addresses: string; at: Instant };

export class Names {
  readonly #save: Statement<[string, string, Instant]>;
  readonly #all: Statement<[], NameRow>;
  readonly #drop: Statement<[Instant]>;

  constructor(db: Database) {
    this.#save = db.prepare('INSERT OR REPLACE INTO names (host, addresses, at) VALUES (?, ?, ?)');
    this.#all = db.prepare('SELECT * FROM names ORDER BY host');
    this.#drop = db.prepare('DELETE FROM names INDEXED BY names_at WHERE at < ?');
  }

  save(found: readonly FoundName[]): void {
    for (const { host, addresses, at } of found) this.#save.run(host, JSON.stringify(addresses), at);
  }

  all(): readonly FoundName[] {
    return this.#all.all().map(({ host, addresses, at }) => ({
      host,
      addresses: JSON.parse(addresses) as string[],
      at,
    }));
  }

  drop(before: Instant): void {
    this.#drop.run(before);
  }
}
