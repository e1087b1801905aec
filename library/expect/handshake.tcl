# handshake.tcl --
#
#	The handshake messages of SSL 3.0 to TLS 1.3, and what stands in records
#	of the other types: tables in the grammar of wire.tcl, which message.tcl
#	goes by, and the values for what encode is not told.

namespace eval ::pyossl::expect::message {
    # What makes a ServerHello a HelloRetryRequest (RFC 8446, 4.1.3).
    variable retry [binary format H* [join {
	cf21ad74e59a6111be1d8c021e65b891 c2a211167abb8c5e079e09e2c8a8339c
    } {}]]

    variable rows {}	;# dict: name -> {handshake type or "" for none, forms}
    variable byType	;# array: handshake type -> name
    variable old {TLSv1.1 TLSv1 SSLv3}
    variable tls12 {TLSv1.2 TLSv1.1 TLSv1 SSLv3}
}

#------------------------------------------------------------------------
# The tables
#------------------------------------------------------------------------

# Row name type ?hints fields ...? --
#	A message and its forms.  The hints are a dict of version and
#	key_exchange, each the list of those that the form is for. Without such
#	hints a form counts only if guess is not 0, and the field that is named
#	by filled, a list, is not empty: it is taken for another one else.
proc ::pyossl::expect::message::Row {name type args} {
    variable rows
    variable byType
    dict set rows $name [list $type $args]
    if {$type ne "" && ![info exists byType($type)]} {
	set byType($type) $name
    }
}

namespace eval ::pyossl::expect::message {
    Row HelloRequest 0 {} {}

    Row ClientHello 1 {} {
	{legacy_version {code16 version} -default TLSv1.2 -also client_version}
	{random {bytes 32} -make {::pyossl::rand bytes 32}}
	{legacy_session_id opaque8 -also session_id}
	{cipher_suites {list16 {code16 cipher_suite}} -default {
	    TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384
	    TLS_CHACHA20_POLY1305_SHA256
	    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
	    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
	    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
	    TLS_EMPTY_RENEGOTIATION_INFO_SCSV
	}}
	{legacy_compression_methods {list8 {code8 compression_method}}
	    -default null -also compression_methods}
	{extensions {optional {list16 {extension ClientHello}}}
	    -make ::pyossl::expect::message::ClientExtensions}
    }

    Row ServerHello 2 {} {
	{legacy_version {code16 version} -default TLSv1.2 -also server_version}
	{random {bytes 32} -make {::pyossl::rand bytes 32}}
	{legacy_session_id_echo opaque8 -also {session_id legacy_session_id}}
	{cipher_suite {code16 cipher_suite} -default TLS_AES_128_GCM_SHA256}
	{legacy_compression_method {code8 compression_method}
	    -also compression_method}
	{extensions {optional {list16 {extension ServerHello}}}
	    -make ::pyossl::expect::message::ServerExtensions}
    }

    Row HelloRetryRequest 2 {} {
	{legacy_version {code16 version} -default TLSv1.2 -also server_version}
	{random {bytes 32} -make {set ::pyossl::expect::message::retry}}
	{legacy_session_id_echo opaque8 -also {session_id legacy_session_id}}
	{cipher_suite {code16 cipher_suite} -default TLS_AES_128_GCM_SHA256}
	{legacy_compression_method {code8 compression_method}
	    -also compression_method}
	{extensions {optional {list16 {extension HelloRetryRequest}}} -default {
	    {extension_type supported_versions}
	    {extension_type key_share}
	}}
    }

    Row NewSessionTicket 4 {version TLSv1.3} {
	{ticket_lifetime u32}
	{ticket_age_add u32}
	{ticket_nonce opaque8}
	{ticket opaque16}
	{extensions {list16 {extension NewSessionTicket}}}
    } [list version $tls12] {
	{ticket_lifetime_hint u32}
	{ticket opaque16}
    }

    Row EndOfEarlyData 5 {} {}

    Row EncryptedExtensions 8 {} {
	{extensions {list16 {extension EncryptedExtensions}}}
    }

    # RFC 7250 has a single key in the place of the list.
    Row Certificate 11 {version TLSv1.3} {
	{certificate_request_context opaque8}
	{certificate_list {list24 {struct {
	    {cert_data opaque24}
	    {extensions {list16 {extension Certificate}}}
	}}}}
    } [list version $tls12] {
	{certificate_list {list24 opaque24}}
    } [list version $tls12] {
	{ASN1_subjectPublicKeyInfo opaque24}
    }

    # Its signature_algorithms are mandatory since TLS 1.3.
    Row CertificateRequest 13 {version TLSv1.3 filled extensions} {
	{certificate_request_context opaque8}
	{extensions {list16 {extension CertificateRequest}}}
    } {version TLSv1.2} {
	{certificate_types {list8 {code8 client_certificate_type}}}
	{supported_signature_algorithms {list16 {code16 signature_scheme}}}
	{certificate_authorities {list16 opaque16}}
    } [list version $old] {
	{certificate_types {list8 {code8 client_certificate_type}}}
	{certificate_authorities {list16 opaque16}}
    }

    Row ServerHelloDone 14 {} {}

    Row CertificateVerify 15 {version {TLSv1.2 TLSv1.3}} {
	{algorithm {code16 signature_scheme} -default rsa_pss_rsae_sha256}
	{signature opaque16}
    } [list version $old] {
	{signature opaque16}
    }

    Row Finished 20 {} {{verify_data rest -make {binary format x12}}}

    Row CertificateURL 21 {} {
	{type {code8 cert_chain_type}}
	{url_and_hash_list {list16 {struct {
	    {url opaque16}
	    {padding u8 -default 1}
	    {SHA1Hash {bytes 20}}
	}}}}
    }

    Row CertificateStatus 22 {} {
	{status_type {code8 certificate_status_type} -default ocsp}
	{? status_type {
	    ocsp {{response opaque24}}
	    ocsp_multi {{ocsp_response_list {list24 opaque24}}}
	    * {{response rest}}
	}}
    }

    Row SupplementalData 23 {} {
	{supp_data {list24 {struct {
	    {supp_data_type {code16 supplemental_data_type}}
	    {data opaque16}
	}}}}
    }

    Row KeyUpdate 24 {} {{request_update {code8 key_update_request}}}

    Row CompressedCertificate 25 {} {
	{algorithm {code16 certificate_compression_algorithm}}
	{uncompressed_length u24}
	{compressed_certificate_message opaque24}
    }

    Row NextProtocol 67 {} {
	{selected_protocol opaque8}
	{padding opaque8}
    }

    Row message_hash 254 {} {{hash rest}}

    # What stands in records of other types.
    Row ChangeCipherSpec {} {} {
	{type {code8 change_cipher_spec} -default change_cipher_spec}
    }
    Row Alert {} {} {
	{level {code8 alert_level} -default warning}
	{description {code8 alert} -default close_notify}
    }
    Row Heartbeat {} {} {
	{type {code8 heartbeat_message_type} -default heartbeat_request}
	{payload opaque16}
	{padding rest -make {::pyossl::rand bytes 16}}
    }
    Row ApplicationData {} {} {{data rest}}

    variable records {
	change_cipher_spec ChangeCipherSpec alert Alert heartbeat Heartbeat
	application_data ApplicationData
    }
}

# The two messages of the key exchange are put together of parts.
apply {{} {
    variable old
    set curve {
	{a opaque8}
	{b opaque8}
    }
    set parts(ecdh) [subst -nobackslashes -nocommands {
	{curve_type {code8 ec_curve_type} -default named_curve}
	{? curve_type {
	    named_curve {{namedcurve {code16 group} -default secp256r1}}
	    explicit_prime {
		{prime_p opaque8}
		{curve {struct {$curve}}}
		{base opaque8}
		{order opaque8}
		{cofactor opaque8}
	    }
	    explicit_char2 {
		{m u16}
		{basis {code8 ec_basis_type}}
		{? basis {
		    ec_basis_trinomial {{k opaque8}}
		    ec_basis_pentanomial {
			{k1 opaque8}
			{k2 opaque8}
			{k3 opaque8}
		    }
		}}
		{curve {struct {$curve}}}
		{base opaque8}
		{order opaque8}
		{cofactor opaque8}
	    }
	}}
	{public opaque8}
    }]
    set parts(dh) {
	{dh_p opaque16}
	{dh_g opaque16}
	{dh_Ys opaque16}
    }
    set parts(rsa) {
	{rsa_modulus opaque16}
	{rsa_exponent opaque16}
    }
    set parts(srp) {
	{srp_N opaque16}
	{srp_g opaque16}
	{srp_s opaque8}
	{srp_B opaque16}
    }
    set parts(hint) {{psk_identity_hint opaque16}}
    set parts(signed) {
	{algorithm {code16 signature_scheme} -default rsa_pss_rsae_sha256}
	{signature opaque16}
    }
    set parts(oldSigned) {{signature opaque16}}

    set forms {}
    foreach {exchanges guess first} {
	ecdhe 1 ecdh dhe 1 dh rsa_export 0 rsa srp 0 srp
    } {
	foreach {versions more} [list {TLSv1.2} signed $old oldSigned] {
	    lappend forms [list key_exchange $exchanges version $versions \
		guess $guess] [concat $parts($first) $parts($more)]
	}
    }
    foreach {exchanges guess these} {
	ecdh_anon 1 ecdh dh_anon 1 dh {psk rsa_psk} 1 hint
	ecdhe_psk 1 {hint ecdh} dhe_psk 0 {hint dh} srp_anon 0 srp
    } {
	lappend forms [list key_exchange $exchanges guess $guess] \
	    [concat {*}[lmap part $these {set parts($part)}]]
    }
    lappend forms {key_exchange unknown} {{body rest}}
    Row ServerKeyExchange 12 {*}$forms

    # Bytes behind a length of two bytes may be any of three things.
    Row ClientKeyExchange 16 {key_exchange {ecdhe ecdh_anon ecdh}} {
	{ecdh_Yc opaque8}
    } {key_exchange ecdhe_psk} {
	{psk_identity opaque16}
	{ecdh_Yc opaque8}
    } {key_exchange {dhe dh_anon dh} guess 0} {
	{dh_Yc opaque16}
    } {key_exchange rsa version {TLSv1.2 TLSv1.1 TLSv1} guess 0} {
	{encrypted_pre_master_secret opaque16}
    } {key_exchange rsa version SSLv3 guess 0} {
	{encrypted_pre_master_secret rest}
    } {key_exchange psk guess 0} {
	{psk_identity opaque16}
    } {key_exchange dhe_psk guess 0} {
	{psk_identity opaque16}
	{dh_Yc opaque16}
    } {key_exchange rsa_psk guess 0} {
	{psk_identity opaque16}
	{encrypted_pre_master_secret opaque16}
    } {key_exchange {srp srp_anon} guess 0} {
	{srp_A opaque16}
    } {key_exchange unknown} {
	{body rest}
    }
} ::pyossl::expect::message}

# The extensions of a ClientHello that says nothing of them: a server of TLS
# 1.2 or 1.3 answers it.  Any 32 bytes are a public key of x25519.
proc ::pyossl::expect::message::ClientExtensions {} {
    return [list {
	extension_type supported_versions versions {TLSv1.3 TLSv1.2}
    } {
	extension_type supported_groups
	named_group_list {x25519 secp256r1 secp384r1}
    } {
	extension_type ec_point_formats ec_point_format_list uncompressed
    } {
	extension_type signature_algorithms supported_signature_algorithms {
	    ecdsa_secp256r1_sha256 rsa_pss_rsae_sha256 rsa_pkcs1_sha256
	    ecdsa_secp384r1_sha384 rsa_pss_rsae_sha384 rsa_pkcs1_sha384
	    ed25519 rsa_pss_rsae_sha512 rsa_pkcs1_sha512
	}
    } {
	extension_type extended_master_secret
    } {
	extension_type psk_key_exchange_modes ke_modes psk_dhe_ke
    } [list extension_type key_share client_shares [list [list \
	group x25519 key_exchange [::pyossl::rand bytes 32]]]]]
}

proc ::pyossl::expect::message::ServerExtensions {} {
    return [list {extension_type supported_versions} \
	[list extension_type key_share server_share [list \
	group x25519 key_exchange [::pyossl::rand bytes 32]]]]
}
