import tailwindcss from "@tailwindcss/vite";
import { tanstackRouter } from "@tanstack/router-plugin/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** The API behind `npm run dev`; `make dev` serves it with the dashboard's own origin. */
const API = process.env.CLEARWAY_DASHBOARD ?? "http://127.0.0.1:3000";

export default defineConfig({
  plugins: [tanstackRouter({ target: "react", autoCodeSplitting: true }), react(), tailwindcss()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: { manifest: "manifest.json", target: "es2022", sourcemap: false, modulePreload: { polyfill: false } },
  server: { port: 5173, proxy: { "/api": { target: API, changeOrigin: true, headers: { origin: API }, ws: true } } },
  test: { environment: "node", setupFiles: ["./src/test/setup.ts"], include: ["src/**/*.test.{ts,tsx}"] },
});
