/** A page in Chromium: what a person does with it and sees of it. */
import type { Chromium, Result } from './chromium.ts';
import { until } from '../servers/net.ts';

export interface AccessibleNode {
  readonly role: string;
  readonly name: string;
}

export class BrowserPage {
  /** Errors of scripts, refused resources and violations of the content security policy. */
  readonly errors: string[] = [];
  readonly #browser: Chromium;
  readonly #session: string;

  private constructor(browser: Chromium, session: string) {
    this.#browser = browser;
    this.#session = session;
    browser.onEvent(session, (method, params) => this.#onEvent(method, params));
  }

  static async prepare(
    browser: Chromium,
    session: string,
    size: { readonly width: number; readonly height: number },
  ): Promise<BrowserPage> {
    const page = new BrowserPage(browser, session);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network'])
      await page.#call(`${domain}.enable`);
    await page.resize(size);
    return page;
  }

  async resize(size: { readonly width: number; readonly height: number }): Promise<void> {
    const mobile = size.width < 600;
    const metrics = { ...size, deviceScaleFactor: mobile ? 2 : 1, mobile };
    await this.#call('Emulation.setDeviceMetricsOverride', metrics);
  }

  /** What the system of the viewer prefers. */
  async prefer(scheme: 'light' | 'dark'): Promise<void> {
    const features = [
      { name: 'prefers-color-scheme', value: scheme },
      { name: 'prefers-reduced-motion', value: 'reduce' },
    ];
    await this.#call('Emulation.setEmulatedMedia', { features });
  }

  async goto(url: string): Promise<void> {
    const { errorText } = await this.#call('Page.navigate', { url });
    if (typeof errorText === 'string') throw new Error(`${url}: ${errorText}`);
  }

  /** The value of an expression, which may be a promise. */
  async evaluate<T>(expression: string): Promise<T> {
    const options = { expression, awaitPromise: true, returnByValue: true, userGesture: true };
    const { result, exceptionDetails } = await this.#call('Runtime.evaluate', options);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as Result)['value'] as T;
  }

  /** The text a viewer sees in the first element that fits; empty without one. */
  async text(selector = 'body'): Promise<string> {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ''`);
  }

  /** Waits until the text of an element matches; rejects with what stands there instead. */
  async untilText(selector: string, pattern: RegExp, timeoutMs = 20_000): Promise<string> {
    let seen = '';
    try {
      const look = async () => pattern.test((seen = await this.text(selector)));
      await until(`${selector} shows ${pattern}`, look, timeoutMs);
    } catch (cause) {
      throw new Error(`${selector} does not show ${pattern} but: ${seen}`, { cause });
    }
    return seen;
  }

  /** A key as a keyboard sends it, e.g. `Tab`, `Enter`. */
  async press(key: 'Tab' | 'Enter' | 'ArrowRight'): Promise<void> {
    const codes = { Tab: 9, Enter: 13, ArrowRight: 39 };
    const common = { key, code: key, windowsVirtualKeyCode: codes[key] };
    const text = key === 'Enter' ? { text: '\r' } : {};
    await this.#call('Input.dispatchKeyEvent', { type: 'keyDown', ...common, ...text });
    await this.#call('Input.dispatchKeyEvent', { type: 'keyUp', ...common });
  }

  /** What a screen reader finds, in its order. */
  async accessible(): Promise<AccessibleNode[]> {
    const { nodes } = await this.#call('Accessibility.getFullAXTree');
    const value = (field: unknown) => {
      const inner = (field as Result | undefined)?.['value'];
      return typeof inner === 'string' ? inner : '';
    };
    return (nodes as Result[])
      .filter((node) => node['ignored'] !== true)
      .map((node) => ({ role: value(node['role']), name: value(node['name']) }));
  }

  /** A picture of the whole page, or of its first `height` pixels. */
  async screenshot(height?: number): Promise<Buffer> {
    const { cssContentSize } = await this.#call('Page.getLayoutMetrics');
    const whole = cssContentSize as { width: number; height: number };
    const clip = { x: 0, y: 0, width: whole.width, height: height ?? whole.height, scale: 1 };
    const options = { format: 'png', clip, captureBeyondViewport: true };
    const { data } = await this.#call('Page.captureScreenshot', options);
    return Buffer.from(String(data), 'base64');
  }

  async #call(method: string, params: object = {}): Promise<Result> {
    return this.#browser.call(method, params, this.#session);
  }

  #onEvent(method: string, params: Result): void {
    if (method === 'Runtime.exceptionThrown') {
      this.errors.push(JSON.stringify(params['exceptionDetails']));
    }
    if (method === 'Log.entryAdded') {
      const { level, text, source } = params['entry'] as Record<string, string>;
      if (level === 'error') this.errors.push(`${source}: ${text}`);
    }
  }
}
