/** Microchip MCP9808: the transactions. Decoding and sources are in `core/chips/thermometers.ts`. */
import { bigEndian, uint16 } from '../core/chips/bytes.ts';
import {
  MCP9808_CONFIG,
  MCP9808_DEVICE,
  MCP9808_MAKER,
  MCP9808_RANGES,
  MCP9808_REGISTER as REGISTER,
  MCP9808_WAIT_MS,
  mcp9808Celsius,
} from '../core/chips/thermometers.ts';
import { HardwareError } from '../core/hardware-error.ts';
import type { ChipLink, I2cDriver } from '../ports.ts';

async function isMcp9808(chip: ChipLink): Promise<boolean> {
  if (uint16(await chip.readRegisters(REGISTER.maker, 2)) !== MCP9808_MAKER) return false;
  return (await chip.readRegisters(REGISTER.device, 2))[0] === MCP9808_DEVICE;
}

export const mcp9808: I2cDriver = {
  name: 'mcp9808',
  addresses: Array.from({ length: 8 }, (_, i) => 0x18 + i),
  ranges: MCP9808_RANGES,
  identify: isMcp9808,

  async open(chip) {
    if (!(await isMcp9808(chip))) {
      throw new HardwareError('WRONG_CHIP', 'the id registers are not those of an MCP9808');
    }
    await chip.writeRegisters(REGISTER.config, bigEndian(MCP9808_CONFIG));
    await chip.sleepMs(MCP9808_WAIT_MS);
    return {
      async measure() {
        const ambient = await chip.readRegisters(REGISTER.ambient, 2);
        const config = await chip.readRegisters(REGISTER.config, 2);
        return { quantities: { temperature_celsius: mcp9808Celsius(ambient, config) } };
      },
    };
  },
};
