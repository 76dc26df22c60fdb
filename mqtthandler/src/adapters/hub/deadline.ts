/** A limit to how long is waited for somebody else's promise. */

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** The promise's outcome, or DeadlineError after `limitMs`; what comes later is ignored. */
export async function withDeadline<T>(promise: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(`no answer in ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
