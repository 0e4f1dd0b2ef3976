/**
 * Accounts: users, tokens, login links, sessions. Of secrets only their hashes
 * come here. A session that ended stays as a mark until it would have expired,
 * so that a request that was under way meanwhile cannot bring it back.
 */
import type { Database } from 'better-sqlite3';
import { type Duration, hours, type Instant, minus } from '../../time.ts';
import { openDatabase } from './database.ts';
import { storeError } from './errors.ts';
import type { Accounts, Token, User } from './store.ts';

/** The last use of a token is kept no finer than this. */
const tokenUseEvery: Duration = hours(1);

type UserRow = { name: string; password_hash: string | null; created_at: Instant };
type TokenRow = { name: string; created_at: Instant; last_used_at: Instant | null };

const userOf = (row: UserRow): User => ({
  name: row.name,
  passwordHash: row.password_hash,
  createdAt: row.created_at,
});
const tokenOf = (row: TokenRow): Token => ({
  name: row.name,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
});

/** What both the station's and the pages' connection can ask. */
export function accountReads(db: Database) {
  const users = 'SELECT name, password_hash, created_at FROM users';
  const findUser = db.prepare<[string], UserRow>(`${users} WHERE name = ?`);
  const listUsers = db.prepare<[], UserRow>(`${users} ORDER BY name`);
  const findToken = db.prepare<[string], TokenRow>(
    'SELECT name, created_at, last_used_at FROM tokens WHERE hash = ?',
  );
  const loadSession = db
    .prepare<[string, Instant], string>(
      'SELECT data FROM sessions WHERE id = ? AND expires_at > ? AND ended = 0',
    )
    .pluck();
  return {
    findUser(name: string): User | null {
      const row = findUser.get(name);
      return row === undefined ? null : userOf(row);
    },
    listUsers: (): readonly User[] => listUsers.all().map(userOf),
    findToken(hash: string): Token | null {
      const row = findToken.get(hash);
      return row === undefined ? null : tokenOf(row);
    },
    loadSession: (id: string, now: Instant): string | null => loadSession.get(id, now) ?? null,
  };
}

/** How a call gets its turn: the store's own queue, or none. */
export type Turn = <T>(work: () => T) => Promise<T>;

/** Accounts over an open database. Each call is one transaction, taken in its turn. */
export function sqliteAccounts(db: Database, turn: Turn): Accounts {
  const reads = accountReads(db);
  const addUser = db.prepare<[string, string | null, Instant]>(
    'INSERT INTO users (name, password_hash, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const setPassword = db.prepare<[string, string]>('UPDATE users SET password_hash = ? WHERE name = ?');
  const endSessionsOf = db.prepare<[string]>(`UPDATE sessions SET ended = 1, data = '' WHERE user = ?`);
  const removeUser = db.prepare<[string]>('DELETE FROM users WHERE name = ?');
  const addToken = db.prepare<[string, string, Instant]>(
    'INSERT INTO tokens (name, hash, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const removeToken = db.prepare<[string]>('DELETE FROM tokens WHERE name = ?');
  const listTokens = db.prepare<[], TokenRow>(
    'SELECT name, created_at, last_used_at FROM tokens ORDER BY name',
  );
  const tokenUse = db.prepare<[string], TokenRow>(
    'SELECT name, created_at, last_used_at FROM tokens WHERE name = ?',
  );
  const setTokenUse = db.prepare<[Instant, string]>('UPDATE tokens SET last_used_at = ? WHERE name = ?');
  const addLink = db.prepare<[string, Instant, string]>(
    'INSERT INTO login_links (hash, user, expires_at) SELECT ?, name, ? FROM users WHERE name = ?',
  );
  const useLink = db.prepare<[string], { user: string; expires_at: Instant }>(
    'DELETE FROM login_links WHERE hash = ? RETURNING user, expires_at',
  );
  const saveSession = db.prepare<{ id: string; user: string | null; data: string; expiresAt: Instant }>(
    `INSERT INTO sessions (id, user, data, expires_at) SELECT @id, @user, @data, @expiresAt
       WHERE @user IS NULL OR EXISTS (SELECT 1 FROM users WHERE name = @user)
     ON CONFLICT (id) DO UPDATE SET user = @user, data = @data, expires_at = @expiresAt WHERE ended = 0`,
  );
  const endSession = db.prepare<[string]>(`UPDATE sessions SET ended = 1, data = '' WHERE id = ?`);
  const changePassword = db.transaction((name: string, hash: string): boolean => {
    endSessionsOf.run(name);
    return setPassword.run(hash, name).changes > 0;
  });

  return {
    addUser: (name, hash, now) => turn(() => addUser.run(name, hash, now).changes > 0),
    setPassword: (name, hash) => turn(() => changePassword.immediate(name, hash)),
    removeUser: (name) => turn(() => removeUser.run(name).changes > 0),
    findUser: (name) => turn(() => reads.findUser(name)),
    listUsers: () => turn(() => reads.listUsers()),
    addToken: (name, hash, now) => turn(() => addToken.run(name, hash, now).changes > 0),
    removeToken: (name) => turn(() => removeToken.run(name).changes > 0),
    findToken: (hash) => turn(() => reads.findToken(hash)),
    listTokens: () => turn(() => listTokens.all().map(tokenOf)),
    noteTokenUse: (name, now) =>
      turn(() => {
        const last = tokenUse.get(name)?.last_used_at ?? null;
        if (last === null || last <= minus(now, tokenUseEvery)) setTokenUse.run(now, name);
      }),
    addLoginLink: (hash, user, expiresAt) => turn(() => addLink.run(hash, expiresAt, user).changes > 0),
    useLoginLink: (hash, now) =>
      turn(() => {
        const link = useLink.get(hash);
        return link !== undefined && link.expires_at > now ? link.user : null;
      }),
    saveSession: (id, user, data, expiresAt) =>
      turn(() => {
        saveSession.run({ id, user, data, expiresAt });
      }),
    loadSession: (id, now) => turn(() => reads.loadSession(id, now)),
    removeSession: (id) =>
      turn(() => {
        endSession.run(id);
      }),
  };
}

/**
 * The accounts of a data folder, without the rest of the store: for mauvectl, beside a running station or alone.
 * @throws StoreError where the folder or the database cannot be used.
 */
export function openAccounts(folder: string): { readonly accounts: Accounts; close(): void } {
  const db = openDatabase(folder);
  const turn: Turn = async (work) => {
    try {
      return work();
    } catch (error) {
      throw storeError(db.name, error);
    }
  };
  return { accounts: sqliteAccounts(db, turn), close: () => void db.close() };
}
