// All tests of the console in one process, which starts one browser. A single file runs with `node --test test/NAME.test.mjs`, too.
import { readdirSync } from 'node:fs';

for (const name of readdirSync(new URL('.', import.meta.url)).sort()) if (name.endsWith('.test.mjs')) await import(`./${name}`);
