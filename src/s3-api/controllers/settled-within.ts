/** The value of `work` if it is there within `timeoutMs`, else undefined. Throws what `work` throws in that time. */
export async function settledWithin<T>(
  work: Promise<T>,
  timeoutMs: number,
): Promise<{ readonly value: T } | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined);
  });
  try {
    return await Promise.race([work.then((value) => ({ value })), late]);
  } finally {
    clearTimeout(timer);
  }
}
