// Starts the bundled Swagger UI on the contract of this very service. No validator, no request to another origin.
window.addEventListener("load", () => {
  const place = document.getElementById("swagger");
  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.contract,
    validatorUrl: null,
    deepLinking: false,
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    queryConfigEnabled: false,
    tryItOutEnabled: true,
  });
});
