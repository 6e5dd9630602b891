import { setImmediate } from 'node:timers/promises';
import { WEBHOOK_SECRET, WebhookReceiver } from '../../../../test/support/webhook-receiver';
import { AddressGuard } from './address-guard';
import { DeliveryError } from './sender';
import { signature, signingKey, WebhookSender } from './webhook.sender';

describe('WebhookSender', () => {
  const never = new AbortController().signal;
  let receiver: WebhookReceiver;
  let sender: WebhookSender;

  beforeAll(async () => {
    receiver = await WebhookReceiver.start();
    sender = new WebhookSender({ url: receiver.url }, WEBHOOK_SECRET, new AddressGuard(['127.0.0.1']));
  });
  afterAll(async () => {
    await sender.close();
    await receiver.stop();
  });

  /** What came of sending an event that is answered so. */
  async function outcomeOf(status: number): Promise<string> {
    receiver.answer = () => status;
    try {
      await sender.send({ id: '7', body: '{}' }, never);
      return 'delivered';
    } catch (error) {
      return error instanceof DeliveryError ? error.kind : String(error);
    }
  }

  it('signs as Standard Webhooks has it', () => {
    // The example of its specification.
    const key = signingKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    expect(signature(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
    expect(signingKey('plain secret').toString()).toBe('plain secret');
  });

  it('sends what the receiver can verify', async () => {
    expect(await outcomeOf(200)).toBe('delivered');
    expect(receiver.messages.at(-1)).toMatchObject({ id: '7', isGenuine: true });
  });

  it.each([
    [204, 'delivered'],
    [302, 'refused'],
    [400, 'refused'],
    [401, 'refused'],
    [410, 'refused'],
    [408, 'unavailable'],
    [425, 'unavailable'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ])('takes an answer of %i for %s', async (status, outcome) => {
    expect(await outcomeOf(status)).toBe(outcome);
  });

  it('gives up at once when it is told to', async () => {
    const stopping = new AbortController();
    receiver.answer = () => 200;
    const sent = sender.send({ id: '8', body: '{}' }, stopping.signal).catch((error: unknown) => error);
    await setImmediate();
    stopping.abort(new Error('the process stops'));
    expect(await sent).toMatchObject({ kind: 'unavailable', message: 'the process stops' });
  });
});
