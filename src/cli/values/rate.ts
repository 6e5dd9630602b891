const RATE = /^(\d{1,10}(?:\.\d{1,3})?)(?:\/(\d{1,10}))?$/;

/**
 * A token bucket: `100/500` are 100 requests a second and 500 at once; `100` has a burst of the same number.
 *
 * @throws RangeError for anything else
 */
export function parseRate(text: string): { perSecond: number; burst: number } {
  const [, perSecond, burst] = RATE.exec(text.trim()) ?? [];
  if (perSecond === undefined) throw new RangeError('wants requests a second as 100, or with a burst as 100/500');
  return { perSecond: Number(perSecond), burst: Number(burst ?? Math.max(1, Math.ceil(Number(perSecond)))) };
}
