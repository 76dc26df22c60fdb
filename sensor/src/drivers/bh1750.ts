/** ROHM BH1750: the transactions. Decoding and sources are in `core/chips/light.ts`. */
import {
  BH1750_ONCE,
  BH1750_POWER_ON,
  BH1750_RANGES,
  BH1750_WAIT_MS,
  bh1750Lux,
} from '../core/chips/light.ts';
import type { ChipLink, I2cDriver } from '../ports.ts';
import { command } from './sensirion.ts';

async function luxOnce(chip: ChipLink): Promise<number> {
  await chip.write([BH1750_POWER_ON]);
  return bh1750Lux(await command(chip, [BH1750_ONCE], BH1750_WAIT_MS, 2));
}

export const bh1750: I2cDriver = {
  name: 'bh1750',
  addresses: [0x23, 0x5c],
  ranges: BH1750_RANGES,

  async open(chip) {
    await chip.write([BH1750_POWER_ON]);
    return {
      async measure() {
        // 0 is darkness or a chip that lost its power while it measured: asked twice.
        const first = await luxOnce(chip);
        return { quantities: { illuminance_lux: first === 0 ? await luxOnce(chip) : first } };
      },
    };
  },
};
