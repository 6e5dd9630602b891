/** One event on its way to a target. */
export interface OutgoingEvent {
  /** The same each time it is sent: receivers know by it what they have already. */
  readonly id: string;
  /** JSON. */
  readonly body: string;
}

/**
 * Why an event was not taken. `refused`: the target is there and does not want this event. `unavailable`: the target is away, broken
 * or overloaded, whatever the event.
 */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';

  constructor(
    readonly kind: 'refused' | 'unavailable',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The way to one target. */
export interface Sender {
  /**
   * Resolves when the target has taken the event. Rejects with a {@link DeliveryError}, within seconds in any case, and at once when
   * `signal` aborts.
   */
  send(event: OutgoingEvent, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
