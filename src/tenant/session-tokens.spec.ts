import { randomBytes } from 'node:crypto';
import { SecretCipher } from './secret-cipher';
import { isSessionKeyId, SessionTokens } from './session-tokens';

const MASTER_KEY = randomBytes(32);
const SESSION = {
  parentKeyId: 'AKIAPARENT',
  issuedAtMs: 1_000,
  expiresAtMs: 901_000,
  policies: [[{ actions: ['s3:getobject'], resources: ['b/*'] }]],
  role: { name: 'reader', id: 'AROAREADER', sessionName: 'somebody' },
};

describe('session tokens', () => {
  const tokens = new SessionTokens(MASTER_KEY);

  it('say on every machine with the master key what was sealed in them', () => {
    const issued = tokens.issue(SESSION);
    expect(isSessionKeyId(issued.accessKeyId)).toBe(true);
    const { accessKeyId, secretKey, sessionToken } = issued;
    expect(new SessionTokens(MASTER_KEY).open(accessKeyId, sessionToken)).toEqual({
      ...SESSION,
      accessKeyId,
      secretKey,
    });
    expect(Buffer.from(sessionToken, 'base64url').includes('AKIAPARENT')).toBe(false);
  });

  it('are opened once', () => {
    const { accessKeyId, sessionToken } = tokens.issue({ ...SESSION, policies: [], role: undefined });
    const first = tokens.open(accessKeyId, sessionToken);
    expect(first).toMatchObject({ policies: [], role: undefined });
    expect(tokens.open(accessKeyId, sessionToken)).toBe(first);
  });

  it('open for their own id and under their own master key only, also when they were opened before', () => {
    const one = tokens.issue(SESSION);
    const other = tokens.issue(SESSION);
    tokens.open(one.accessKeyId, one.sessionToken);
    expect(tokens.open(other.accessKeyId, one.sessionToken)).toBeUndefined();
    expect(new SessionTokens(randomBytes(32)).open(one.accessKeyId, one.sessionToken)).toBeUndefined();
  });

  it('do not open with a single character changed, added or lost', () => {
    const { accessKeyId, sessionToken } = tokens.issue(SESSION);
    for (let at = 0; at < sessionToken.length; at += 1) {
      const other = sessionToken[at] === 'A' ? 'B' : 'A';
      const changed = sessionToken.slice(0, at) + other + sessionToken.slice(at + 1);
      expect(tokens.open(accessKeyId, changed)).toBeUndefined();
    }
    for (const changed of [`${sessionToken}A`, `${sessionToken}=`, sessionToken.slice(0, -1), ` ${sessionToken}`]) {
      expect(tokens.open(accessKeyId, changed)).toBeUndefined();
    }
  });

  it.each(['', 'x', 'AQ', 'A'.repeat(100), 'A'.repeat(100_000), '\0', 'ä'])('do not come of %p', (token) => {
    expect(tokens.open('ASIAAAAAAAAAAAAAAAAA', token)).toBeUndefined();
  });

  it('are not to be had from the stored secret of an access key', () => {
    const id = 'ASIAAAAAAAAAAAAAAAAA';
    const stored = new SecretCipher(MASTER_KEY).seal(id, JSON.stringify({ s: 's', k: 'AKIAPARENT', i: 0, e: 9e15 }));
    expect(tokens.open(id, stored.toString('base64url'))).toBeUndefined();
  });
});
