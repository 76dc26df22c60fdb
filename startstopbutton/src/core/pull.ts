/**
 * Which resistor holds a line at rest, and how to get one where the interface cannot set it.
 *
 * Power-on pulls of the BCM283x and BCM2711: GPIO 0 to 8 up, the others down; GPIO 2 and 3 have a
 * resistor of 1.8 kOhm to 3.3 V on the board (hardware facts, section 4.4).
 */
import { BOARD_PULL_UPS } from './contact.ts';
import type { Pull } from './contact.ts';

const LAST_PULLED_UP = 8;
const CONFIG_WORDS = { UP: 'pu', DOWN: 'pd', NONE: 'pn' } as const;

/** What to set so that the firmware sets the pull at boot. */
export interface PullAdvice {
  /** A line for config.txt. */
  readonly configTxt: string;
  readonly balenaVariable: string;
  readonly balenaValue: string;
  readonly text: string;
}

/** The pull a line has when nobody has set one. */
export function powerOnPull(pin: number): Pull {
  return pin <= LAST_PULLED_UP ? 'UP' : 'DOWN';
}

/** What somebody has to set for this pull to be there; undefined when it is there by itself. */
export function pullAdvice(pin: number, pull: Pull): PullAdvice | undefined {
  if (BOARD_PULL_UPS.includes(pin) || pull === powerOnPull(pin)) return undefined;
  const word = CONFIG_WORDS[pull];
  const configTxt = `gpio=${pin}=ip,${word}`;
  const balenaVariable = 'BALENA_HOST_CONFIG_gpio';
  const balenaValue = `"${pin}=ip,${word}"`;
  return {
    configTxt,
    balenaVariable,
    balenaValue,
    text:
      `this interface cannot set the pull of GPIO ${pin}, which is ${powerOnPull(pin)} at power-on: ` +
      `for ${pull} put ${configTxt} into config.txt, on balena set ${balenaVariable} to ` +
      `${balenaValue}, and restart the device; GPIO_BACKEND=chardev sets it without`,
  };
}
