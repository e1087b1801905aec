# extension.tcl --
#
#	The extensions, by the messages in which they stand: a table in the
#	grammar of wire.tcl, and the type {extension CONTEXT} of it.
#
#	A decoded extension is a dict: extension_type, and the fields of the
#	table.  One that the table has not, or not in this message, has its
#	bytes in extension_data.  So has one whose bytes are not as they should
#	be; then error says why.  A tester writes such ones likewise:
#	extension_data stands for the whole body, extension_data_length for the
#	number before it.

namespace eval ::pyossl::expect::extension {
    variable strict 0	;# is an extension that is wrong inside an error?
    variable forms	;# array: code,context -> list of FIELDS
    variable rows {}	;# dict: name -> list of contexts and FIELDS

    # The messages in which extensions stand, and their names below.
    variable contexts {
	ClientHello CH ServerHello SH HelloRetryRequest HRR
	EncryptedExtensions EE Certificate CT CertificateRequest CR
	NewSessionTicket NST
    }

    # Shapes that several extensions share.
    variable shape
    set shape(ocsp) {
	{responder_id_list {list16 opaque16}}
	{request_extensions opaque16}
    }
    set shape(share) {{struct {
	{group {code16 group}}
	{key_exchange opaque16}
    }}}
    set shape(signatures) {
	{supported_signature_algorithms {list16 {code16 signature_scheme}}}
    }
    set shape(names) {
	{protocol_name_list {list16 opaque8}}
    }
    set shape(suite) {{struct {
	{kdf_id {code16 hpke_kdf}}
	{aead_id {code16 hpke_aead}}
    }}}

    # name {contexts FIELDS ...}.  Where there are two forms for a message, the
    # empty one comes first.  An extension of RFC 5246 and before that is
    # agreed on in ServerHello is so in EncryptedExtensions since RFC 8446.
    set rows [subst -nobackslashes -nocommands {
	server_name {
	    CH {{server_name_list {list16 {struct {
		{name_type {code8 name_type}}
		{name opaque16}
	    }}}}}
	    {SH EE} {}
	}
	max_fragment_length {
	    {CH SH EE} {{max_fragment_length {code8 max_fragment_length}}}
	}
	client_certificate_url {{CH SH EE} {}}
	trusted_ca_keys {
	    CH {{trusted_authorities_list {list16 {struct {
		{identifier_type {code8 trusted_authority_type}}
		{? identifier_type {
		    pre_agreed {}
		    key_sha1_hash {{sha1_hash {bytes 20}}}
		    x509_name {{distinguished_name opaque16}}
		    cert_sha1_hash {{sha1_hash {bytes 20}}}
		}}
	    }}}}}
	    {SH EE} {}
	}
	truncated_hmac {{CH SH EE} {}}
	status_request {
	    {SH EE CR} {}
	    {CH CR} {
		{status_type {code8 certificate_status_type} -default ocsp}
		{? status_type {ocsp {$shape(ocsp)}}}
	    }
	    CT {
		{status_type {code8 certificate_status_type} -default ocsp}
		{response opaque24}
	    }
	}
	user_mapping {
	    {CH SH} {{user_mapping_types {list8 {code8 user_mapping_type}}}}
	}
	client_authz {
	    {CH SH} {{authz_format_list {list8 {code8 authorization_data_format}}}}
	}
	server_authz {
	    {CH SH} {{authz_format_list {list8 {code8 authorization_data_format}}}}
	}
	cert_type {
	    CH {{certificate_types {list8 {code8 certificate_type}}}}
	    SH {{certificate_type {code8 certificate_type}}}
	}
	supported_groups {
	    {CH SH EE} {{named_group_list {list16 {code16 group}}}}
	}
	ec_point_formats {
	    {CH SH} {{ec_point_format_list {list8 {code8 ec_point_format}}}}
	}
	srp {CH {{srp_I opaque8}}}
	signature_algorithms {
	    {CH CR SH} {$shape(signatures)}
	}
	use_srtp {
	    {CH SH EE} {
		{SRTPProtectionProfiles {list16 {code16 srtp_protection_profile}}}
		{srtp_mki opaque8}
	    }
	}
	heartbeat {
	    {CH SH EE} {{mode {code8 heartbeat_mode} -default peer_allowed_to_send}}
	}
	application_layer_protocol_negotiation {
	    {CH SH EE} {$shape(names)}
	}
	status_request_v2 {
	    SH {}
	    CH {{certificate_status_req_list {list16 {struct {
		{status_type {code8 certificate_status_type}}
		{request {sized16 {struct {$shape(ocsp)}}}}
	    }}}}}
	}
	signed_certificate_timestamp {
	    {CH CR} {}
	    {SH EE CT} {{sct_list {list16 opaque16}}}
	}
	client_certificate_type {
	    CH {{client_certificate_types {list8 {code8 certificate_type}}}}
	    {SH EE} {{client_certificate_type {code8 certificate_type}}}
	}
	server_certificate_type {
	    CH {{server_certificate_types {list8 {code8 certificate_type}}}}
	    {SH EE} {{server_certificate_type {code8 certificate_type}}}
	}
	padding {CH {{padding rest}}}
	encrypt_then_mac {{CH SH} {}}
	extended_master_secret {{CH SH} {}}
	token_binding {
	    {CH SH EE} {
		{token_binding_version {struct {{major u8} {minor u8}}}}
		{key_parameters_list {list8 {code8 token_binding_key_parameter}}}
	    }
	}
	cached_info {
	    CH {{cached_info {list16 {struct {
		{type {code8 cached_information_type}}
		{hash_value opaque8}
	    }}}}}
	    {SH EE} {{cached_info {list16 {struct {
		{type {code8 cached_information_type}}
	    }}}}}
	}
	compress_certificate {
	    {CH CR} {{algorithms {list8 {code16 certificate_compression_algorithm}}}}
	}
	record_size_limit {
	    {CH SH EE} {{record_size_limit u16 -default 16385}}
	}
	pwd_protect {
	    CH {{protected_name opaque8}}
	}
	pwd_clear {
	    CH {{name opaque8}}
	}
	tls_cert_with_extern_psk {{CH SH} {}}
	delegated_credential {
	    {CH CR} {$shape(signatures)}
	    CT {
		{cred {struct {
		    {valid_time u32}
		    {dc_cert_verify_algorithm {code16 signature_scheme}}
		    {ASN1_subjectPublicKeyInfo opaque24}
		}}}
		{algorithm {code16 signature_scheme}}
		{signature opaque16}
	    }
	}
	session_ticket {{CH SH} {{ticket rest}}}
	supported_ekt_ciphers {
	    CH {{supported_ciphers {list8 u8}}}
	    {SH EE} {{selected_cipher u8}}
	}
	pre_shared_key {
	    CH {
		{identities {list16 {struct {
		    {identity opaque16}
		    {obfuscated_ticket_age u32}
		}}}}
		{binders {list16 opaque8}}
	    }
	    SH {{selected_identity u16}}
	}
	early_data {
	    {CH EE} {}
	    NST {{max_early_data_size u32}}
	}
	supported_versions {
	    CH {{versions {list8 {code16 version}}}}
	    {SH HRR} {{selected_version {code16 version} -default TLSv1.3}}
	}
	cookie {{CH HRR} {{cookie opaque16}}}
	psk_key_exchange_modes {
	    CH {{ke_modes {list8 {code8 psk_key_exchange_mode}}}}
	}
	certificate_authorities {
	    {CH CR} {{authorities {list16 opaque16}}}
	}
	oid_filters {
	    CR {{filters {list16 {struct {
		{certificate_extension_oid opaque8}
		{certificate_extension_values opaque16}
	    }}}}}
	}
	post_handshake_auth {CH {}}
	signature_algorithms_cert {{CH CR} {$shape(signatures)}}
	key_share {
	    CH {{client_shares {list16 $shape(share)}}}
	    SH {{server_share $shape(share)}}
	    HRR {{selected_group {code16 group} -default secp256r1}}
	}
	transparency_info {
	    {CH CR} {}
	    {SH EE CT} {{trans_item_list {list16 opaque16}}}
	}
	connection_id {{CH SH EE} {{cid opaque8}}}
	external_id_hash {{CH SH EE} {{binding_hash opaque8}}}
	external_session_id {{CH SH EE} {{session_id opaque8}}}
	quic_transport_parameters {
	    {CH EE} {{parameters {all {struct {
		{id {codev quic_transport_parameter}}
		{value opaquev}
	    }}}}}
	}
	ticket_request {
	    CH {{new_session_count u8} {resumption_count u8}}
	    EE {{expected_count u8}}
	}
	dnssec_chain {
	    CH {{port_number u16}}
	    CT {{ext_support_lifetime u16} {authentication_chain rest}}
	}
	rrc {{CH SH EE} {}}
	tls_flags {{CH SH EE CT CR NST HRR} {{flags opaque8}}}
	next_protocol_negotiation {
	    CH {}
	    SH {{protocol_name_list {all opaque8}}}
	}
	application_settings {
	    CH {{supported_protocols {list16 opaque8}}}
	    EE {{settings rest}}
	}
	channel_id_old {{CH SH} {}}
	channel_id {{CH SH} {}}
	ech_outer_extensions {
	    CH {{outer_extensions {list8 {code16 extension}}}}
	}
	encrypted_client_hello {
	    CH {
		{type {code8 ech_client_hello_type}}
		{? type {
		    outer {
			{cipher_suite $shape(suite)}
			{config_id u8}
			{enc opaque16}
			{payload opaque16}
		    }
		    inner {}
		}}
	    }
	    HRR {{confirmation {bytes 8}}}
	    EE {{retry_configs {list16 {struct {
		{version u16 -default 0xFE0D}
		{contents opaque16}
	    }}}}}
	}
	renegotiation_info {
	    {CH SH EE} {{renegotiated_connection opaque8}}
	}
    }]
}

# Forms code context --
#	The forms that an extension has in a message.
proc ::pyossl::expect::extension::Forms {code context} {
    variable forms
    variable rows
    variable contexts
    if {[info exists forms($code,$context)]} {
	return $forms($code,$context)
    }
    set name [[namespace parent]::names::name extension $code]
    set result {}
    if {[dict exists $rows $name] && [dict exists $contexts $context]} {
	foreach {where fields} [dict get $rows $name] {
	    if {[dict get $contexts $context] in $where} {
		lappend result $fields
	    }
	}
    }
    return [set forms($code,$context) $result]
}

# Get context end path --
#	Decodes an extension, for wire.tcl.
proc ::pyossl::expect::extension::Get {context end path} {
    variable strict
    set wire [namespace parent]::wire
    upvar #0 ${wire}::at at
    set code [${wire}::Number 2 $end $path.extension_type]
    set stop [${wire}::Stop 2 $end $path.extension_data]
    set name [[namespace parent]::names::name extension $code]
    set start $at
    set wrong ""
    foreach fields [Forms $code $context] {
	set result [list extension_type $name]
	try {
	    ${wire}::Fields $fields $stop $path.$name result
	    ${wire}::Finished $stop $path.$name
	    return $result
	} trap {PYOSSL EXPECT DECODE} {message options} {
	    set at $start
	    # The last form is the one that has something in it.
	    set wrong $message
	}
    }
    if {$wrong ne "" && $strict} {
	return -options $options $wrong
    }
    set result [list extension_type $name \
	extension_data [${wire}::Bytes [expr {$stop - $at}] $stop $path]]
    if {$wrong ne ""} {
	lappend result error $wrong
    }
    return $result
}

# Put context value path --
#	Encodes an extension, for wire.tcl.
proc ::pyossl::expect::extension::Put {context value path} {
    set wire [namespace parent]::wire
    if {[catch {dict size $value}]} {
	${wire}::Bad $path "\"[${wire}::Short $value]\" is no dict"
    }
    if {![dict exists $value extension_type]} {
	${wire}::Bad $path "an extension needs an extension_type"
    }
    set type [${wire}::Code 2 extension [dict get $value extension_type] \
	$path.extension_type]
    binary scan $type Su code
    set common {extension_type extension_data extension_data_length error}
    if {[dict exists $value extension_data]} {
	set body [${wire}::Raw [dict get $value extension_data] \
	    $path.extension_data]
    } else {
	set forms [Forms $code $context]
	set fields [lindex $forms 0]
	foreach form $forms {
	    if {[${wire}::Knows $form [dict keys $value] $common]} {
		set fields $form
		break
	    }
	}
	set name [[namespace parent]::names::name extension $code]
	set body [${wire}::Struct $fields $value $path.$name $common]
    }
    set length {}
    if {[dict exists $value extension_data_length]} {
	set length [dict get $value extension_data_length]
    }
    return $type[${wire}::Prefixed 2 $body $length $path.extension_data]
}
