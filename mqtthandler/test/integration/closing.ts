/** Things to be closed in reverse order; Node 20 has no AsyncDisposableStack. */
export class Closing implements AsyncDisposable {
  readonly #parts: AsyncDisposable[] = [];

  use<T extends AsyncDisposable>(part: T): T {
    this.#parts.push(part);
    return part;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.#parts.splice(0).toReversed()) await part[Symbol.asyncDispose]();
  }
}
