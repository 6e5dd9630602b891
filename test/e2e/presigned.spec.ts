import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { useS3 } from './s3-suite';

describe('presigned URLs', () => {
  const suite = useS3();

  it('let anybody with the URL put and get', async () => {
    const Bucket = await suite.newBucket();
    const putUrl = await getSignedUrl(suite.s3, new PutObjectCommand({ Bucket, Key: 'a b/é+' }), { expiresIn: 60 });
    const put = await fetch(putUrl, { method: 'PUT', body: 'by browser', headers: { 'content-type': 'text/x' } });
    expect(put.status).toBe(200);
    const getUrl = await getSignedUrl(
      suite.s3,
      new GetObjectCommand({ Bucket, Key: 'a b/é+', ResponseContentType: 'text/y' }),
      { expiresIn: 60 },
    );
    const get = await fetch(getUrl);
    expect(await get.text()).toBe('by browser');
    expect(get.headers.get('content-type')).toBe('text/y');
    const headUrl = await getSignedUrl(suite.s3, new HeadObjectCommand({ Bucket, Key: 'a b/é+' }), { expiresIn: 60 });
    const head = await fetch(headUrl, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('10');
  });

  it('are good for their request only', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    const url = await getSignedUrl(suite.s3, new GetObjectCommand({ Bucket, Key: 'k' }), { expiresIn: 60 });
    expect((await fetch(url)).status).toBe(200);
    const changed = [url.replace('/k?', '/other?'), `${url}&response-content-type=text/html`, url.slice(0, -1)];
    for (const other of changed) expect((await fetch(other)).status).toBe(403);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(403);
  });

  it('expire, and are refused for more than a week', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    const command = new GetObjectCommand({ Bucket, Key: 'k' });
    const past = await getSignedUrl(suite.s3, command, { expiresIn: 60, signingDate: new Date(Date.now() - 120_000) });
    const expired = await fetch(past);
    expect(expired.status).toBe(403);
    expect(await expired.text()).toContain('<Code>AccessDenied</Code>');
    const week = new URL(await getSignedUrl(suite.s3, command, { expiresIn: 604_800 }));
    week.searchParams.set('X-Amz-Expires', '604801');
    expect((await fetch(week)).status).toBe(400);
  });

  it('are needed: nobody reads without a signature', async () => {
    const Bucket = await suite.newBucket();
    const answer = await fetch(`${suite.vaultaire.s3Endpoint}/${Bucket}/k`);
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain('<Code>AccessDenied</Code>');
  });
});
