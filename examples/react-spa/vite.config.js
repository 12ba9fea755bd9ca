import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = { host: "127.0.0.1", port: Number(process.env.PORT ?? 4455), strictPort: true };

export default defineConfig({ plugins: [react()], server, preview: server });
