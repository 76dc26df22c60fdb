/** `node --import tsx tools/write-variables.ts`: the table of variables in README.md. */
import { writeVariables } from './variables.ts';

writeVariables();
