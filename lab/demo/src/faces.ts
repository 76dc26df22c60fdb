/** How the demo shows itself: on a terminal with keys, or line by line while it plays by itself. */
import { systemClock } from '@holdfast/kit';
import type { DemoConfig } from './config.ts';
import { stepKey } from './core/keys.ts';
import type { Action, KeyState } from './core/keys.ts';
import { DEFAULT_SECONDS, scenes } from './core/script.ts';
import { render, summary } from './core/view.ts';
import type { EventView } from './core/view.ts';
import type { Session } from './session.ts';
import { Terminal } from './terminal.ts';

const REDRAW_MS = 250;
const LINE_EVERY_MS = 1_000;

export interface Face {
  event(event: EventView): void;
  /** Shows the session from now on. */
  open(session: Session): void;
  /** Called with the first delivered reading. */
  begin(): void;
  /** Resolves when the run is to end. */
  readonly wantsEnd: Promise<void>;
  /** Aborts when even the last readings are not to be waited for. */
  readonly skip: AbortSignal;
  close(): void;
}

/** The end, asked for once or twice. */
class Ending {
  readonly #skip = new AbortController();
  #resolve: () => void = () => {};
  #asked = false;
  readonly wantsEnd = new Promise<void>((resolve) => (this.#resolve = resolve));

  get skip(): AbortSignal {
    return this.#skip.signal;
  }

  ask(): void {
    if (this.#asked) this.#skip.abort();
    this.#asked = true;
    this.#resolve();
  }
}

export function liveFace({ destination, unicode, limitSeconds }: DemoConfig): Face {
  const ending = new Ending();
  let session: Session | undefined;
  let keys: KeyState = 'idle';
  const draw = () => {
    if (session === undefined) return;
    const view = { ...session.view(), choosing: keys === 'choosing' };
    terminal.draw(render(view, terminal.size, unicode));
  };
  const onKey = (key: string) => {
    const next = stepKey(destination, keys, key);
    keys = next.state;
    act(next.action, session, ending);
    draw();
  };
  const terminal = new Terminal(onKey, draw);
  let timer: NodeJS.Timeout | undefined;
  const closing = new AbortController();
  return {
    event: () => {},
    open(shown) {
      session = shown;
      terminal.open();
      timer = setInterval(draw, REDRAW_MS);
    },
    begin() {
      if (limitSeconds === undefined) return;
      void play([{ atSeconds: limitSeconds, action: { kind: 'quit' } }], closing.signal, (action) =>
        act(action, session, ending),
      );
    },
    wantsEnd: ending.wantsEnd,
    skip: ending.skip,
    close() {
      clearInterval(timer);
      closing.abort();
      terminal.close();
    },
  };
}

export function playFace({ destination, limitSeconds }: DemoConfig): Face {
  const ending = new Ending();
  const closing = new AbortController();
  let session: Session | undefined;
  let timer: NodeJS.Timeout | undefined;
  const print = (elapsedSeconds: number, text: string) => {
    process.stdout.write(`${elapsedSeconds.toFixed(1).padStart(5)} s  ${text}\n`);
  };
  return {
    event: ({ elapsedSeconds, source, text }) => print(elapsedSeconds, `${source}: ${text}`),
    open(shown) {
      session = shown;
      timer = setInterval(() => {
        const view = shown.view();
        if (view.phase !== 'starting') print(view.elapsedSeconds, summary(view));
      }, LINE_EVERY_MS);
    },
    begin() {
      const list = scenes(destination, limitSeconds ?? DEFAULT_SECONDS[destination]);
      void play(list, closing.signal, (action) => act(action, session, ending));
    },
    wantsEnd: ending.wantsEnd,
    skip: ending.skip,
    close() {
      clearInterval(timer);
      closing.abort();
    },
  };
}

function act(action: Action | undefined, session: Session | undefined, ending: Ending): void {
  if (action === undefined) return;
  if (action.kind === 'quit') ending.ask();
  else session?.act(action);
}

async function play(
  list: ReturnType<typeof scenes>,
  signal: AbortSignal,
  onAction: (action: Action) => void,
): Promise<void> {
  const startMs = systemClock.monotonicMs();
  for (const { atSeconds, action } of list) {
    await systemClock.sleepMs(startMs + atSeconds * 1_000 - systemClock.monotonicMs(), signal);
    if (signal.aborted) return;
    onAction(action);
  }
}
