// Starts Swagger UI on the document of this server. In development the page carries the published test key.
"use strict";

const page = document.getElementById("swagger-ui");
const reference = SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: page.dataset.document,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
  onComplete: () => {
    if (page.dataset.key) {
      reference.preauthorizeApiKey("ApiKey", page.dataset.key);
      reference.preauthorizeApiKey("ApiSecret", page.dataset.secret);
    }
  },
});
