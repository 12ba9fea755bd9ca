module zelus.example/e2e

go 1.24.0

require github.com/ory/kratos-client-go v1.3.8
