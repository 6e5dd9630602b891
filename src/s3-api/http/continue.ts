import type { IncomingMessage, ServerResponse } from 'node:http';

const EXPECTS_CONTINUE = Symbol('EXPECTS_CONTINUE');

interface ExpectingMessage extends IncomingMessage {
  [EXPECTS_CONTINUE]?: boolean;
}

/** Marks a message whose client waits for `100 Continue` before it sends the body. */
export function expectContinue(message: ExpectingMessage): void {
  message[EXPECTS_CONTINUE] = true;
}

/** The client still waits for `100 Continue`: not a byte of the body is on its way. */
export function isAwaitingContinue(message: ExpectingMessage): boolean {
  return message[EXPECTS_CONTINUE] === true;
}

/**
 * Tells a waiting client to send its body, once. To be called right before the body is read for the first time, that is,
 * after the request was authenticated and allowed; does nothing for clients that do not wait.
 */
export function continueBody(message: ExpectingMessage, response: ServerResponse): void {
  if (message[EXPECTS_CONTINUE] !== true) return;
  message[EXPECTS_CONTINUE] = false;
  response.writeContinue();
}
