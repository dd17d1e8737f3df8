import { fileURLToPath } from "node:url";
import { defaultClientConditions, defineConfig } from "vite";

const server = "http://127.0.0.1:8080";

/** The first versions that have CSS light-dark(). */
const target = ["chrome123", "firefox120", "safari17.5"];

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "/",
  resolve: { conditions: ["holdfast-source", ...defaultClientConditions] },
  build: { outDir: "dist", emptyOutDir: true, target, chunkSizeWarningLimit: 900 },
  server: { proxy: { "/api": server, "/health": server, "/ws": { target: server, ws: true } } },
});
