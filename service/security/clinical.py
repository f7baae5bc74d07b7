"""What `*` means in a scope: the clinical types of R4, and nothing that is added later without being listed here.

`system/*.rs` in a token of today must not read tomorrow's audit trail. So a type belongs to `CLINICAL`, which `*` covers, or to one of
the other two sets, whose types a scope must name. A type that is in none of the sets is covered by nothing.

    CLINICAL      the record: patients, what was done and seen, the people, places, things and drugs that took part
    DEFINITIONS   what records are made by: profiles, terminology, questionnaires, plans. No patient is in them
    NAMED         audit trail, subscriptions, envelopes of messages: named in a scope or not reached
"""

_CLINICAL = """
    Account AdverseEvent AllergyIntolerance Appointment AppointmentResponse Basic Binary BiologicallyDerivedProduct BodyStructure
    CarePlan CareTeam ChargeItem Claim ClaimResponse ClinicalImpression Communication CommunicationRequest Composition Condition
    Consent Contract Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device DeviceMetric DeviceRequest
    DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference Encounter Endpoint EnrollmentRequest EnrollmentResponse
    EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory Flag Goal Group GuidanceResponse HealthcareService ImagingStudy
    Immunization ImmunizationEvaluation ImmunizationRecommendation InsurancePlan Invoice List Location Media Medication
    MedicationAdministration MedicationDispense MedicationRequest MedicationStatement MolecularSequence NutritionOrder Observation
    Organization OrganizationAffiliation Patient PaymentNotice PaymentReconciliation Person Practitioner PractitionerRole Procedure
    Provenance QuestionnaireResponse RelatedPerson RequestGroup ResearchStudy ResearchSubject RiskAssessment Schedule ServiceRequest
    Slot Specimen Substance SupplyDelivery SupplyRequest Task VisionPrescription
"""

_DEFINITIONS = """
    ActivityDefinition CapabilityStatement CatalogEntry ChargeItemDefinition CodeSystem CompartmentDefinition ConceptMap
    DeviceDefinition EffectEvidenceSynthesis EventDefinition Evidence EvidenceVariable ExampleScenario GraphDefinition
    ImplementationGuide Library Measure MedicationKnowledge MedicinalProduct MedicinalProductAuthorization
    MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction
    MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect
    MessageDefinition NamingSystem ObservationDefinition OperationDefinition PlanDefinition Questionnaire ResearchDefinition
    ResearchElementDefinition RiskEvidenceSynthesis SearchParameter SpecimenDefinition StructureDefinition StructureMap
    SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial
    SubstanceSpecification TerminologyCapabilities TestScript ValueSet
"""

_NAMED = """
    AuditEvent Bundle Linkage MeasureReport MessageHeader OperationOutcome Parameters Subscription TestReport VerificationResult
"""

CLINICAL = frozenset(_CLINICAL.split())
DEFINITIONS = frozenset(_DEFINITIONS.split())
NAMED = frozenset(_NAMED.split())

ANY = "*"


def reaches(scope_type: str, type: str) -> bool:
    """Whether the type part of a scope, a type or `*`, is good for resources of `type`."""
    return scope_type == type or (scope_type == ANY and type in CLINICAL)
