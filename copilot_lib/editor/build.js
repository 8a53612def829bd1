// Bundles src/editor.js and writes into the bundle's first line what it was made from, so that a test can tell an old one.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const sources = createHash("sha256");
for (const file of ["src/editor.js", "package-lock.json"]) sources.update(readFileSync(file));

await build({
  entryPoints: ["src/editor.js"],
  outfile: "editor.bundle.js",
  bundle: true,
  format: "esm",
  minify: true,
  target: "es2020",
  legalComments: "eof",
  banner: { js: `// sources ${sources.digest("hex")}` },
});
