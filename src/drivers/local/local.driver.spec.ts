import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { contextOf, kindOf, sourceOf } from '../../../test/conformance/describe-driver';
import { blobId, blobKey, tenantId } from '../../context/ids';
import type { BlobListing } from '../driver';
import { LocalDriver } from './local.driver';
import { localError } from './local-errors';

const tenant = tenantId('t1');
const key = blobKey(tenant, blobId('0198-a'));
const ctx = contextOf(tenant);

describe('the local driver', () => {
  let base: string;
  let root: string;
  let driver: LocalDriver;
  const abc = () => driver.write(ctx, key, sourceOf(Buffer.from('abc')), { sizeBytes: 3 });
  const onlyFile = async (): Promise<string> => {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    const [file] = entries.filter((entry) => !entry.isDirectory());
    return file === undefined ? '' : join(file.parentPath, file.name);
  };
  const reopened = () => new LocalDriver({ name: 'local', root, durability: 'full' });

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'vaultaire-local-'));
    root = join(base, 'new', 'blobs');
    driver = reopened();
  });

  afterEach(() => rm(base, { recursive: true }));

  it('lays a blob under its tenant and three hex digits of the hash of its key', async () => {
    await abc();
    expect(await onlyFile()).toMatch(/\/tenant\/t1\/[0-9a-f]{3}\/0198-a$/);
    expect(await readFile(await onlyFile(), 'utf8')).toBe('abc');
  });

  it('finds its blobs again after a restart', async () => {
    await abc();
    driver = reopened();
    expect((await driver.stat(ctx, key)).sizeBytes).toBe(3);
    expect(Buffer.concat(await (await driver.read(ctx, key)).body.toArray()).toString()).toBe('abc');
  });

  describe('after a kill in the middle of a write', () => {
    const leavePartial = async (): Promise<string> => {
      await abc();
      const path = await onlyFile();
      await rename(path, `${path}.partial`);
      return `${path}.partial`;
    };

    it('lists what was left as partial, and shows no blob', async () => {
      await leavePartial();
      const listings: BlobListing[] = [];
      for await (const listing of driver.list(ctx)) listings.push(listing);
      expect(listings).toMatchObject([{ key, sizeBytes: 3, isPartial: true }]);
      expect(await kindOf(driver.stat(ctx, key))).toBe('NotFound');
    });

    it('keeps the key taken until it is deleted', async () => {
      const path = await leavePartial();
      expect(await kindOf(abc())).toBe('AlreadyExists');
      expect(existsSync(path)).toBe(true);
      await driver.delete(ctx, key);
      expect(existsSync(path)).toBe(false);
      await abc();
    });
  });

  describe('with something planted in its root', () => {
    let secret: string;
    let place: string;

    beforeEach(async () => {
      await abc();
      place = await onlyFile();
      await driver.delete(ctx, key);
      secret = join(base, 'secret');
      await mkdir(secret);
      await writeFile(join(secret, '0198-a'), 'secret');
    });

    const expectNothingFollowed = async (): Promise<void> => {
      expect(['Corrupted', 'NotFound', 'AlreadyExists']).toContain(await kindOf(driver.read(ctx, key)));
      expect(['Corrupted', 'NotFound']).toContain(await kindOf(driver.stat(ctx, key)));
      expect(['Corrupted', 'AlreadyExists']).toContain(await kindOf(abc()));
      await driver.delete(ctx, key).catch(() => undefined);
      expect(await readFile(join(secret, '0198-a'), 'utf8')).toBe('secret');
      expect(await readdir(secret)).toEqual(['0198-a']);
    };

    it('does not follow a symbolic link in the place of a blob', async () => {
      await symlink(join(secret, '0198-a'), place);
      await expectNothingFollowed();
    });

    it('does not follow a symbolic link in the place of a partial blob', async () => {
      await symlink(join(secret, 'new'), `${place}.partial`);
      expect(await kindOf(abc())).toBe('AlreadyExists');
      expect(await readdir(secret)).toEqual(['0198-a']);
    });

    it('does not follow a symbolic link in the place of a folder', async () => {
      await rm(dirname(place), { recursive: true });
      await symlink(secret, dirname(place));
      driver = reopened();
      await expectNothingFollowed();
      for await (const listing of driver.list(ctx)) expect(listing).toBeUndefined();
    });

    it('does not follow a symbolic link in the place of a tenant', async () => {
      const tenantFolder = dirname(dirname(place));
      await rm(tenantFolder, { recursive: true });
      await mkdir(join(secret, 'abc'));
      await symlink(secret, tenantFolder);
      driver = reopened();
      expect(await kindOf(abc())).toBe('Corrupted');
      expect(await kindOf(driver.read(ctx, key))).toBe('Corrupted');
      expect(await kindOf(driver.list(ctx)[Symbol.asyncIterator]().next())).toBe('Corrupted');
      expect((await readdir(secret)).sort()).toEqual(['0198-a', 'abc']);
    });

    it('calls a folder in the place of a blob corrupted', async () => {
      await mkdir(place);
      expect(await kindOf(driver.read(ctx, key))).toBe('Corrupted');
      expect(await kindOf(driver.stat(ctx, key))).toBe('Corrupted');
    });

    it('does not wait for the writer of a named pipe', async () => {
      execFileSync('mkfifo', [place]);
      expect(await kindOf(driver.read(ctx, key))).toBe('Corrupted');
    });

    it('lists nothing that is not a blob', async () => {
      await writeFile(join(dirname(place), 'note.txt'), '');
      await writeFile(join(dirname(dirname(place)), 'zzz'), '');
      await mkdir(join(dirname(dirname(place)), 'lost+found'));
      await symlink(join(secret, '0198-a'), join(dirname(place), 'link'));
      for await (const listing of driver.list(ctx)) expect(listing).toBeUndefined();
    });
  });

  it('makes a folder again that somebody removed', async () => {
    await abc();
    await rm(dirname(await onlyFile()), { recursive: true });
    expect(await kindOf(driver.stat(ctx, key))).toBe('NotFound');
    await abc();
    expect((await driver.stat(ctx, key)).sizeBytes).toBe(3);
  });

  it('is unavailable, not empty, when its root has gone', async () => {
    await abc();
    await rm(root, { recursive: true });
    expect(await kindOf(driver.read(ctx, key))).toBe('Unavailable');
    expect(await kindOf(driver.stat(ctx, key))).toBe('Unavailable');
    expect(await kindOf(abc())).toBe('Unavailable');
    expect(await kindOf(driver.list(ctx)[Symbol.asyncIterator]().next())).toBe('Unavailable');
    expect(await driver.health(ctx)).toMatchObject({ isHealthy: false });
    expect(existsSync(root)).toBe(false);
  });

  it('rejects when a root cannot be made', async () => {
    await mkdir(dirname(root), { recursive: true });
    await writeFile(root, 'a file');
    expect(await kindOf(abc())).toBe('Corrupted');
    expect(await driver.health(ctx)).toMatchObject({ isHealthy: false });
  });

  it('destroys a body whose file was cut short under it', async () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024);
    await driver.write(ctx, key, sourceOf(bytes), { sizeBytes: bytes.length });
    const { body } = await driver.read(ctx, key);
    await writeFile(await onlyFile(), 'short');
    expect(await kindOf(body.toArray())).toBe('Corrupted');
  });
});

describe('localError', () => {
  it.each([
    ['ENOENT', 'NotFound'],
    ['EEXIST', 'AlreadyExists'],
    ['ENOSPC', 'NoSpace'],
    ['EDQUOT', 'NoSpace'],
    ['EFBIG', 'TooLarge'],
    ['EACCES', 'Unavailable'],
    ['EMFILE', 'Unavailable'],
    ['EIO', 'Unavailable'],
    ['ELOOP', 'Corrupted'],
    ['EWHATEVER', 'Unexpected'],
  ])('takes %s for %s', (code, kind) => {
    const cause = Object.assign(new Error('sys'), { code });
    expect(localError(cause)).toMatchObject({ kind, cause });
  });

  it('takes anything else for unexpected', () => {
    for (const value of [undefined, null, 'text', new Error('x')]) expect(localError(value).kind).toBe('Unexpected');
  });
});
